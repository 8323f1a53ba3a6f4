import type { LinkProps } from '@tanstack/react-router'

import { formatTotal } from '../components/formatTotal'
import type { IconName } from '../components/icons'
import type { Role } from '../session/api'
import { menuItems } from '../shell/menu'
import type { EntityKind, FoundGroup, SearchHit, SearchNoun } from './api'
import type { Visit } from './recentVisits'

/** A Destination is a search result and the screen that it opens. */
export interface Destination {
  key: string
  label: string
  hint: string
  icon: IconName
  to: string
  params?: Record<string, string>
  search?: Record<string, string>
  /** The role that it requires; the server enforces permissions. */
  role?: Role | undefined
}

type RoutePath = NonNullable<LinkProps['to']>

const actionDestination = (label: string, icon: IconName, to: RoutePath, role?: Role): Destination => ({
  key: to + label,
  label,
  hint: 'Action',
  icon,
  to,
  role,
})

/** actionDestinations are the actions that the search offers. */
const actionDestinations: Destination[] = [
  actionDestination('New site', 'site', '/sites/new', 'operator'),
  actionDestination('New freezer', 'instrument', '/freezers/new', 'operator'),
  actionDestination('New computer', 'instrument', '/computers/new', 'operator'),
  actionDestination('New container', 'container', '/containers/new', 'operator'),
  actionDestination('New todo', 'todo', '/todos/new'),
  actionDestination('New user', 'user', '/users/new', 'admin'),
  actionDestination('Scan a barcode', 'container', '/containers'),
]

const pageDestinations: Destination[] = menuItems.map(({ label, icon, to, role }) => ({
  key: to,
  label,
  hint: 'Page',
  icon,
  to,
  role,
}))

/** destinationByKind maps each kind of row to the screen that shows it. */
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

/** hitDestination returns the screen of a row that the server found. */
export function hitDestination({ kind, key, title, detail }: SearchHit): Destination {
  const { hint, icon, to, param } = destinationByKind[kind]
  return {
    key: `${kind} ${key}`,
    label: title,
    hint: detail ? `${hint}, ${detail}` : hint,
    icon,
    to,
    params: { [param]: key },
  }
}

/** groupNames are the headings of the groups of results. */
export const groupNames: Record<SearchNoun, string> = {
  containers: 'Containers',
  freezers: 'Freezers',
  computers: 'Computers',
  sites: 'Sites',
  todos: 'Todos',
  users: 'Users',
  rules: 'Rules',
  attachments: 'Files',
  events: 'Events',
  alerts: 'Alerts',
}

/** listDestinations are the screens with all matches of a group, and their filters. */
const listDestinations: Partial<Record<SearchNoun, { to: RoutePath; search?: Record<string, string> }>> = {
  containers: { to: '/containers' },
  freezers: { to: '/instruments', search: { freezer_id__empty: 'false' } },
  computers: { to: '/instruments', search: { freezer_id__empty: 'true' } },
  sites: { to: '/sites' },
  todos: { to: '/todos', search: { view: 'list' } },
  users: { to: '/users' },
}

/** groupDestinations returns the screens of the hits of a group, and the list of all matches if there are more. */
export function groupDestinations(group: FoundGroup, text: string): Destination[] {
  const destinations = group.hits.map((hit) => ({ ...hitDestination(hit), hint: hit.detail })) // the heading has the kind
  const list = listDestinations[group.noun]
  if (list && group.total.count > group.hits.length)
    destinations.push({
      key: `all ${group.noun}`,
      label: `Show all ${formatTotal(group.total)} ${groupNames[group.noun].toLowerCase()}`,
      hint: 'List',
      icon: 'search',
      to: list.to,
      search: { ...list.search, q: text },
    })
  return destinations
}

/**
 * localDestinations returns the pages, actions and recent visits whose label contains all words of the text. Recent
 * visits are first. An empty text matches everything.
 */
export function localDestinations(text: string, visits: Visit[]): Destination[] {
  const words = text.toLowerCase().split(/\s+/)
  const recentDestinations = visits.map(({ path, title }): Destination => ({
    key: `recent ${path}`,
    label: title,
    hint: 'Recent',
    icon: 'history',
    to: path,
  }))
  return [...recentDestinations, ...pageDestinations, ...actionDestinations].filter(({ label }) =>
    words.every((word) => label.toLowerCase().includes(word)),
  )
}
