import { keepPreviousData, queryOptions } from '@tanstack/react-query'

import { api, type Schemas, type Total, unwrap } from '../api/client'
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

interface SearchOptions {
  /** Only rows of this kind. */
  kind?: EntityKind
  /** Maximum number of rows of each list. */
  limit?: number
}

/** searchQuery returns the rows that match a text, in groups: the one with the best match first. */
export const searchQuery = (text: string, { kind, limit = 5 }: SearchOptions = {}) =>
  queryOptions({
    queryKey: ['search', text, kind, limit],
    queryFn: async ({ signal }): Promise<FoundGroup[]> => {
      const noun = kind && nounByKind[kind]
      const query = { q: text.slice(0, maxQueryLength), limit, ...(noun && { noun }) }
      const groups = await unwrap(api.GET('/api/v1/search', { params: { query }, signal }))
      return groups.map((group) => ({
        noun: group.noun,
        total: { count: group.total, isEstimate: group.total_kind === 'estimated' },
        hits: toHits(group),
      }))
    },
    enabled: text !== '',
    placeholderData: keepPreviousData,
  })

const maxQueryLength = 200 // characters; the limit of the server

const nounByKind: Record<EntityKind, SearchNoun> = {
  site: 'sites',
  freezer: 'freezers',
  computer: 'computers',
  container: 'containers',
  event: 'events',
  alert: 'alerts',
  rule: 'rules',
  todo: 'todos',
  user: 'users',
}

/** allHits returns the hits of all groups. */
export const allHits = (groups: FoundGroup[]): SearchHit[] => groups.flatMap(({ hits }) => hits)
