import type { LinkProps } from '@tanstack/react-router'

import type { IconName } from '../components/icons'
import type { Role } from '../session/api'

interface MenuItem {
  label: string
  icon: IconName
  to: NonNullable<LinkProps['to']>
  /** Pressed after g, leads there. */
  hotkey: string
  /** Who sees it; the server decides who may. */
  role?: Role
  /** Where the screens begin that belong to it, too. */
  activePrefixes?: string[]
}

/** menuItems is what the menu shows, in its order. Cmd-K finds the same. */
export const menuItems: MenuItem[] = [
  { label: 'Home', icon: 'home', to: '/', hotkey: 'h' },
  { label: 'Sites', icon: 'site', to: '/sites', hotkey: 's' },
  { label: 'Instruments', icon: 'instrument', to: '/instruments', hotkey: 'i', activePrefixes: ['/freezers/', '/computers/'] },
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
