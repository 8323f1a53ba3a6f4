import type { LinkProps } from '@tanstack/react-router'

import type { IconName } from '../components/icons'
import type { Role } from '../session/api'

interface MenuItem {
  label: string
  icon: IconName
  to: NonNullable<LinkProps['to']>
  /** The key that opens the screen after g. */
  hotkey: string
  /** The role that an item requires; the server enforces permissions. */
  role?: Role
  /** Path prefixes of other screens that highlight the item. */
  activePrefixes?: string[]
}

/** menuItems lists the entries of the menu in order. The search (Cmd-K) lists them as well. */
export const menuItems: MenuItem[] = [
  { label: 'Home', icon: 'home', to: '/', hotkey: 'h' },
  { label: 'Sites', icon: 'site', to: '/sites', hotkey: 's' },
  {
    label: 'Instruments',
    icon: 'instrument',
    to: '/instruments',
    hotkey: 'i',
    activePrefixes: ['/freezers/', '/computers/'],
  },
  { label: 'Containers', icon: 'container', to: '/containers', hotkey: 'c' },
  { label: 'Events', icon: 'event', to: '/events', hotkey: 'e' },
  { label: 'Alerts', icon: 'alert', to: '/alerts', hotkey: 'a' },
  { label: 'Rules', icon: 'rule', to: '/rules', hotkey: 'r' },
  { label: 'Todos', icon: 'todo', to: '/todos', hotkey: 't' },
  { label: 'Import', icon: 'import', to: '/import', hotkey: 'm', role: 'operator' },
  { label: 'History', icon: 'history', to: '/history', hotkey: 'y' },
  { label: 'Users', icon: 'user', to: '/users', hotkey: 'u', role: 'admin' },
  { label: 'API reference', icon: 'book', to: '/reference', hotkey: 'p' },
]
