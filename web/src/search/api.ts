import { keepPreviousData, queryOptions } from '@tanstack/react-query'

import { api, type Schemas, unwrap } from '../api/client'

// One request searches all kinds of rows, by any part of their texts.

export type SearchHit = Schemas['SearchRow']
export type EntityKind = 'site' | 'freezer' | 'computer' | 'container' | 'event' | 'alert' | 'rule' | 'todo' | 'user'

interface SearchOptions {
  /** Only rows of this kind. */
  kind?: EntityKind
  limit?: number
}

/** searchQuery returns the rows that contain the text, best match first. */
export const searchQuery = (text: string, { kind, limit = 12 }: SearchOptions = {}) =>
  queryOptions({
    queryKey: ['search', text, kind, limit],
    queryFn: ({ signal }) =>
      unwrap(
        api.GET('/api/v1/search', {
          params: { query: { q: text.slice(0, maxQueryLength), limit, ...(kind && { only: kind }) } },
          signal,
        }),
      ),
    enabled: text !== '',
    placeholderData: keepPreviousData,
  })

const maxQueryLength = 200 // characters; the limit of the server
