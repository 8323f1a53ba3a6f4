import type { LinkProps } from '@tanstack/react-router'

import type { IconName } from '../components/icons'
import type { Role } from '../session/api'
import { menuItems } from '../shell/menu'
import type { EntityKind, SearchHit } from './api'
import type { Visit } from './recentVisits'

/** A Destination is where the search leads. */
export interface Destination {
  key: string
  label: string
  hint: string
  icon: IconName
  to: string
  params?: Record<string, string>
  /** Who sees it; the server decides who may. */
  role?: Role | undefined
}

type RoutePath = NonNullable<LinkProps['to']>

const actionDestination = (label: string, icon: IconName, to: RoutePath, role?: Role): Destination => ({ key: to + label, label, hint: 'Do', icon, to, role })

/** actionDestinations are what one can begin from anywhere. */
const actionDestinations: Destination[] = [
  actionDestination('New site', 'site', '/sites/new', 'operator'),
  actionDestination('New freezer', 'instrument', '/freezers/new', 'operator'),
  actionDestination('New computer', 'instrument', '/computers/new', 'operator'),
  actionDestination('New container', 'container', '/containers/new', 'operator'),
  actionDestination('New todo', 'todo', '/todos/new'),
  actionDestination('New user', 'user', '/users/new', 'admin'),
  actionDestination('Scan a label', 'container', '/containers'),
]

const screenDestinations: Destination[] = menuItems.map(({ label, icon, to, role }) => ({ key: to, label, hint: 'Screen', icon, to, role }))

/** destinationByKind says where each kind of thing is shown; the screens of some may come later, and then lead there. */
const destinationByKind: Record<EntityKind, { hint: string; icon: IconName; to: string; param: string }> = {
  site: { hint: 'Site', icon: 'site', to: '/sites/$id', param: 'id' },
  freezer: { hint: 'Freezer', icon: 'instrument', to: '/freezers/$id', param: 'id' },
  computer: { hint: 'Computer', icon: 'instrument', to: '/computers/$id', param: 'id' },
  container: { hint: 'Container', icon: 'container', to: '/containers/$uuid', param: 'uuid' },
  event: { hint: 'Event', icon: 'event', to: '/events/$id', param: 'id' },
  alert: { hint: 'Alert', icon: 'alert', to: '/alerts/$id', param: 'id' },
  rule: { hint: 'Rule', icon: 'rule', to: '/rules/$code', param: 'code' },
  todo: { hint: 'Todo', icon: 'todo', to: '/todos/$id', param: 'id' },
  user: { hint: 'User', icon: 'user', to: '/users/$id', param: 'id' },
}

/** hitDestination is where something that the server found is shown; undefined for what this app has no screen for. */
export function hitDestination({ kind, key, title, detail }: SearchHit, hasRoute: (to: string) => boolean): Destination | undefined {
  const destination = destinationByKind[kind as EntityKind]
  if (!destination || !hasRoute(destination.to)) return undefined
  const { hint, icon, to, param } = destination
  return { key: `${kind} ${key}`, label: title, hint: detail ? `${hint}, ${detail}` : hint, icon, to, params: { [param]: key } }
}

/** localDestinations are the places that the app knows by itself: all of them without a text, else those that have all its words. */
export function localDestinations(text: string, visits: Visit[]): Destination[] {
  const words = text.toLowerCase().split(/\s+/)
  const recentDestinations = visits.map(({ path, title }): Destination => ({ key: `recent ${path}`, label: title, hint: 'Recent', icon: 'history', to: path }))
  return [...screenDestinations, ...actionDestinations, ...recentDestinations].sort((a, b) => Number(b.hint === 'Recent') - Number(a.hint === 'Recent')).filter(({ label }) => words.every((word) => label.toLowerCase().includes(word)))
}
