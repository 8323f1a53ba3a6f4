import type { LinkProps } from '@tanstack/react-router'

import type { IconName } from '../components/icons'
import type { Role } from '../session/api'
import { menu } from '../shell/menu'
import type { Hit, Kind } from './api'
import type { Visit } from './recentVisits'

/** A Place is where the search leads. */
export interface Place {
  key: string
  label: string
  hint: string
  icon: IconName
  to: string
  params?: Record<string, string>
  /** Who sees it; the server decides who may. */
  role?: Role | undefined
}

type To = NonNullable<LinkProps['to']>

const action = (label: string, icon: IconName, to: To, role?: Role): Place => ({ key: to + label, label, hint: 'Do', icon, to, role })

/** actions are what one can begin from anywhere. */
const actions: Place[] = [
  action('New site', 'site', '/sites/new', 'operator'),
  action('New freezer', 'instrument', '/freezers/new', 'operator'),
  action('New computer', 'instrument', '/computers/new', 'operator'),
  action('New container', 'container', '/containers/new', 'operator'),
  action('New todo', 'todo', '/todos/new'),
  action('New user', 'user', '/users/new', 'admin'),
  action('Scan a label', 'container', '/containers'),
]

const screens: Place[] = menu.map(({ label, icon, to, role }) => ({ key: to, label, hint: 'Screen', icon, to, role }))

/** found says where each kind of thing is shown; the screens of some may come later, and then lead there. */
const found: Record<Kind, { hint: string; icon: IconName; to: string; param: string }> = {
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

/** placeOf is where something that the server found is shown; undefined for what this app has no screen for. */
export function placeOf({ kind, key, title, detail }: Hit, has: (to: string) => boolean): Place | undefined {
  const place = found[kind as Kind]
  if (!place || !has(place.to)) return undefined
  const { hint, icon, to, param } = place
  return { key: `${kind} ${key}`, label: title, hint: detail ? `${hint}, ${detail}` : hint, icon, to, params: { [param]: key } }
}

/** local are the places that the app knows by itself: all of them without a text, else those that have all its words. */
export function local(text: string, visits: Visit[]): Place[] {
  const words = text.toLowerCase().split(/\s+/)
  const recent = visits.map(({ path, title }): Place => ({ key: `recent ${path}`, label: title, hint: 'Recent', icon: 'history', to: path }))
  return [...screens, ...actions, ...recent].sort((a, b) => Number(b.hint === 'Recent') - Number(a.hint === 'Recent')).filter(({ label }) => words.every((word) => label.toLowerCase().includes(word)))
}
