import { Anchor, Button, type ButtonProps, NavLink } from '@mantine/core'
import { createLink, useRouter } from '@tanstack/react-router'
import { type ComponentPropsWithRef, type MouseEvent, useCallback } from 'react'

// Mantine's links, led by the router: no page is loaded anew, and a path that routes.tsx does not have does not compile.

export const TextLink = createLink(Anchor<'a'>)
export const ButtonLink = createLink(AnchorButton)
export const MenuLink = createLink(NavLink<'a'>)

/** AnchorButton is a link that looks like a button; Mantine's is a button unless it is told. */
function AnchorButton(props: ButtonProps & Omit<ComponentPropsWithRef<'a'>, keyof ButtonProps>) {
  return <Button component="a" {...props} />
}

/**
 * useAnchorNavigation lets plain links, <a href={base + '/events/1'}>, be led by the router, too, when it is the onClick of what is around them. A hundred of
 * the links above come into sight too slowly.
 */
export function useAnchorNavigation() {
  const { basepath, history } = useRouter()
  const handleClick = useCallback(
    (event: MouseEvent) => {
      const href = event.target instanceof Element && event.target.closest('a')?.getAttribute('href')
      if (!href || event.defaultPrevented || event.button !== 0 || event.metaKey || event.ctrlKey || event.shiftKey || event.altKey) return
      event.preventDefault()
      history.push(href)
    },
    [history],
  )
  return { basePath: basepath, handleClick }
}
