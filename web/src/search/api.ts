import { keepPreviousData, queryOptions } from '@tanstack/react-query'

import { api, type Schemas, type Total, unwrap, unwrapPage } from '../api/client'
import { toHits } from './hits'

// One request searches all lists.

export type SearchGroup = Schemas['SearchGroup']
export type SearchNoun = SearchGroup['noun']
export type EntityKind = 'site' | 'freezer' | 'computer' | 'container' | 'event' | 'alert' | 'rule' | 'todo' | 'user'

/** A SearchHit is one matching row. */
export interface SearchHit {
  kind: EntityKind
  key: string
  title: string
  detail: string
}

/** FoundGroup is the best matches in one list, with the number of all matches. */
export interface FoundGroup {
  noun: SearchNoun
  total: Total
  hits: SearchHit[]
}

/** searchQuery returns the rows that match a text, in groups: the one with the best match first. */
export const searchQuery = (text: string, { limit = 5 } = {}) =>
  queryOptions({
    queryKey: ['search', text, limit],
    queryFn: ({ signal }) => fetchGroups({ q: text, limit }, signal),
    enabled: text !== '',
    placeholderData: keepPreviousData,
  })

const maxOptions = 20

/** fetchHits returns the rows of one kind that match a text, or the first ones for ''. */
export async function fetchHits(kind: EntityKind, text: string, signal: AbortSignal): Promise<SearchHit[]> {
  const noun = nounByKind[kind]
  if (text === '') return fetchFirstHits(noun, signal)
  return allHits(await fetchGroups({ q: text, noun, limit: maxOptions }, signal))
}

interface SearchParams {
  q: string
  noun?: SearchNoun
  limit: number
}

async function fetchGroups({ q, ...params }: SearchParams, signal: AbortSignal): Promise<FoundGroup[]> {
  const query = { ...params, q: q.slice(0, maxQueryLength) }
  const groups = await unwrap(api.GET('/api/v1/search', { params: { query }, signal }))
  return groups.map((group) => ({
    noun: group.noun,
    total: { count: group.total, isEstimate: group.total_kind === 'estimated' },
    hits: toHits(group),
  }))
}

/** listParams are the order of a list without a search, and the names that its rows include. */
const listParams: Partial<Record<SearchNoun, Record<string, string>>> = {
  sites: { sort: 'name' },
  freezers: { sort: 'name', include: 'site' },
  computers: { sort: 'name', include: 'site' },
  containers: { sort: 'description', include: 'freezer,site' },
  directory: { sort: 'display_name' },
  alerts: { include: 'user' },
  events: { include: 'user' },
}

async function fetchFirstHits(noun: SearchNoun, signal: AbortSignal): Promise<SearchHit[]> {
  const query = { ...listParams[noun], limit: maxOptions }
  const { rows } = await unwrapPage<never>(api.GET(`/api/v1/${noun}` as '/api/v1/sites', { params: { query }, signal }) as never)
  return toHits({ noun, rows } as unknown as SearchGroup)
}

export const maxQueryLength = 200 // characters; the limit of the server

const nounByKind: Record<EntityKind, SearchNoun> = {
  site: 'sites',
  freezer: 'freezers',
  computer: 'computers',
  container: 'containers',
  event: 'events',
  alert: 'alerts',
  rule: 'rules',
  todo: 'todos',
  user: 'directory',
}

/** allHits returns the hits of all groups. */
export const allHits = (groups: FoundGroup[]): SearchHit[] => groups.flatMap(({ hits }) => hits)
