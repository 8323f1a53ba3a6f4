import type { LinkProps } from '@tanstack/react-router'

import { formatTotal } from '../components/formatTotal'
import type { IconName } from '../components/icons'
import type { Role } from '../session/api'
import { menuItems } from '../shell/menu'
import { newItems } from '../shell/newItems'
import type { EntityKind, FoundGroup, SearchHit, SearchNoun } from './api'
import type { Visit } from './recentVisits'
import type { ObjectAction } from './useObjectActions'

/** A SearchResult opens a screen, or runs an action. */
export interface SearchResult {
  key: string
  label: string
  /** Distinguishes results with the same label. */
  hint?: string
  icon: IconName
  to?: string
  params?: Record<string, string>
  search?: Record<string, string>
  run?: () => void
  isDestructive?: boolean | undefined
  /** The role that it requires; the server enforces permissions. */
  role?: Role | undefined
}

/** A Destination is a search result that opens a screen. */
export type Destination = SearchResult & { hint: string; to: string }

/** A SearchSection is the results under one heading. */
export interface SearchSection {
  heading: string
  /** How many of the matches are shown: "5 of 600". */
  count?: string
  results: SearchResult[]
}

type RoutePath = NonNullable<LinkProps['to']>

const toResult = ({ label, icon, to, role }: { label: string; icon: IconName; to: string; role?: Role }) => ({
  key: to + label,
  label,
  icon,
  to,
  role,
})

const newResults: SearchResult[] = newItems.map(toResult)
const pageResults: SearchResult[] = menuItems.map(toResult)

/** destinationByKind maps each kind of row to the screen that shows it. */
const destinationByKind: Record<EntityKind, { hint: string; icon: IconName; to: string; param: string }> = {
  site: { hint: 'Site', icon: 'site', to: '/sites/$id', param: 'id' },
  freezer: { hint: 'Freezer', icon: 'storage', to: '/freezers/$id', param: 'id' },
  computer: { hint: 'Computer', icon: 'computer', to: '/computers/$id', param: 'id' },
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
  directory: 'Users',
  rules: 'Rules',
  attachments: 'Attachments',
  events: 'Events',
  alerts: 'Alerts',
}

/** listDestinations are the searchable screens with all matches of a group, and their filters. */
const listDestinations: Partial<
  Record<SearchNoun, { to: RoutePath; search?: Record<string, string>; role?: Role }>
> = {
  containers: { to: '/containers' },
  freezers: { to: '/storage', search: { view: 'list' } },
  computers: { to: '/instruments', search: { kind: 'computer' } },
  sites: { to: '/sites' },
  todos: { to: '/todos', search: { view: 'list' } },
  directory: { to: '/users', role: 'admin' },
}

/** groupDestinations returns the screens of the hits of a group, and the list of all matches if there are more. */
export function groupDestinations(group: FoundGroup, text: string): SearchResult[] {
  // The heading has the kind.
  const results: SearchResult[] = group.hits.map((hit) => ({ ...hitDestination(hit), hint: hit.detail }))
  const list = listDestinations[group.noun]
  if (list && group.total.count > group.hits.length)
    results.push({
      key: `all ${group.noun}`,
      label: `Show all ${formatTotal(group.total)} ${groupNames[group.noun].toLowerCase()}`,
      icon: 'search',
      to: list.to,
      search: { ...list.search, q: text },
      role: list.role,
    })
  return results
}

interface LocalSources {
  visits: Visit[]
  objectActions: ObjectAction[]
  commands: SearchResult[]
}

/**
 * localSections returns what the app finds without the server: the results whose label contains all words of the text.
 * An empty text matches everything.
 */
export function localSections(text: string, { visits, objectActions, commands }: LocalSources): SearchSection[] {
  const words = text.toLowerCase().split(/\s+/)
  const matches = ({ label }: SearchResult) => words.every((word) => label.toLowerCase().includes(word))
  const sections: SearchSection[] = [
    { heading: 'On this page', results: objectActions.map((action) => ({ key: action.label, ...action })) },
    {
      heading: 'Recent',
      results: visits.map(({ path, title }) => ({ key: `recent ${path}`, label: title, icon: 'history', to: path })),
    },
    { heading: 'Pages', results: pageResults },
    { heading: 'Actions', results: [...newResults, ...commands] },
  ]
  return sections
    .map((section) => ({ ...section, results: section.results.filter(matches) }))
    .filter(({ results }) => results.length > 0)
}
