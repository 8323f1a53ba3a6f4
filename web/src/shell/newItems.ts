import type { LinkProps } from '@tanstack/react-router'

import type { IconName } from '../components/icons'
import type { Role } from '../session/api'

interface NewItem {
  label: string
  icon: IconName
  to: NonNullable<LinkProps['to']>
  role?: Role
}

/** newItems are what users can create, most frequent first. The search (Cmd-K) lists them as well. */
export const newItems: NewItem[] = [
  { label: 'New container', icon: 'container', to: '/containers/new', role: 'operator' },
  { label: 'Add many containers', icon: 'container', to: '/containers/add', role: 'operator' },
  { label: 'New todo', icon: 'todo', to: '/todos/new' },
  { label: 'New freezer', icon: 'storage', to: '/freezers/new', role: 'operator' },
  { label: 'Add many freezers', icon: 'storage', to: '/freezers/add', role: 'operator' },
  { label: 'New computer', icon: 'computer', to: '/computers/new', role: 'operator' },
  { label: 'New site', icon: 'site', to: '/sites/new', role: 'operator' },
  { label: 'Invite a user', icon: 'user', to: '/users/new', role: 'admin' },
]
