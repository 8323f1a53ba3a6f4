import { Anchor, Button, type ButtonProps, Menu, type MenuItemProps, NavLink } from '@mantine/core'
import { createLink, useRouter } from '@tanstack/react-router'
import { type ComponentPropsWithRef, type MouseEvent, useCallback } from 'react'

// Mantine links with client-side navigation. TypeScript rejects paths that are not in routes.tsx.

export const TextLink = createLink(Anchor<'a'>)
export const ButtonLink = createLink(AnchorButton)
export const MenuLink = createLink(NavLink<'a'>)
export const MenuItemLink = createLink(AnchorMenuItem)

/** AnchorButton is a link that looks like a button. Mantine's Button renders a <button> by default. */
function AnchorButton(props: ButtonProps & Omit<ComponentPropsWithRef<'a'>, keyof ButtonProps>) {
  return <Button component="a" {...props} />
}

/** AnchorMenuItem is a link in a menu that opens on demand. */
function AnchorMenuItem(props: MenuItemProps & Omit<ComponentPropsWithRef<'a'>, keyof MenuItemProps>) {
  return <Menu.Item component="a" {...props} />
}

/**
 * useAnchorNavigation returns a click handler that adds client-side navigation to the plain links of its element,
 * <a href={basePath + '/events/1'}>. A hundred of the link components above render too slowly.
 */
export function useAnchorNavigation() {
  const { basepath, history } = useRouter()
  const handleClick = useCallback(
    (event: MouseEvent) => {
      const href = event.target instanceof Element && event.target.closest('a')?.getAttribute('href')
      if (
        !href ||
        event.defaultPrevented ||
        event.button !== 0 ||
        event.metaKey ||
        event.ctrlKey ||
        event.shiftKey ||
        event.altKey
      )
        return
      event.preventDefault()
      history.push(href)
    },
    [history],
  )
  return { basePath: basepath, handleClick }
}
