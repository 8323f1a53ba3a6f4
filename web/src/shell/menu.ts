import type { LinkProps } from '@tanstack/react-router'

import type { IconName } from '../components/icons'
import type { Role } from '../session/api'

interface Entry {
  label: string
  icon: IconName
  to: NonNullable<LinkProps['to']>
  /** Pressed after g, leads there. */
  key: string
  /** Who sees it; the server decides who may. */
  role?: Role
  /** Where the screens begin that belong to it, too. */
  also?: string[]
}

/** menu is what the menu shows, in its order. Cmd-K finds the same. */
export const menu: Entry[] = [
  { label: 'Home', icon: 'home', to: '/', key: 'h' },
  { label: 'Sites', icon: 'site', to: '/sites', key: 's' },
  { label: 'Instruments', icon: 'instrument', to: '/instruments', key: 'i', also: ['/freezers/', '/computers/'] },
  { label: 'Containers', icon: 'container', to: '/containers', key: 'c' },
  { label: 'Events', icon: 'event', to: '/events', key: 'e' },
  { label: 'Alerts', icon: 'alert', to: '/alerts', key: 'a' },
  { label: 'Rules', icon: 'rule', to: '/rules', key: 'r' },
  { label: 'Todos', icon: 'todo', to: '/todos', key: 't' },
  { label: 'Import', icon: 'import', to: '/import', key: 'm', role: 'operator' },
  { label: 'History', icon: 'history', to: '/history', key: 'y' },
  { label: 'Users', icon: 'user', to: '/users', key: 'u', role: 'admin' },
  { label: 'API reference', icon: 'book', to: '/reference', key: 'p' },
]
