import { Anchor, Button, type ButtonProps, NavLink } from '@mantine/core'
import { createLink } from '@tanstack/react-router'
import type { ComponentPropsWithRef } from 'react'

// Mantine's links, led by the router: no page is loaded anew, and a path that routes.tsx does not have does not compile.

export const TextLink = createLink(Anchor<'a'>)
export const ButtonLink = createLink(AnchorButton)
export const MenuLink = createLink(NavLink<'a'>)

/** AnchorButton is a link that looks like a button; Mantine's is a button unless it is told. */
function AnchorButton(props: ButtonProps & Omit<ComponentPropsWithRef<'a'>, keyof ButtonProps>) {
  return <Button component="a" {...props} />
}
