import { keepPreviousData, queryOptions } from '@tanstack/react-query'

import { api, row, type Schemas } from '../api/client'

// One call finds things of all kinds, by any part of their texts.

export type Hit = Schemas['SearchRow']
export type Kind = 'site' | 'freezer' | 'computer' | 'container' | 'event' | 'alert' | 'rule' | 'todo' | 'user'

interface Options {
  /** Only things of this kind. */
  only?: Kind
  limit?: number
}

/** searchQuery finds what has the text in it, the best first. */
export const searchQuery = (text: string, { only, limit = 12 }: Options = {}) =>
  queryOptions({
    queryKey: ['search', text, only, limit],
    queryFn: ({ signal }) => row(api.GET('/api/v1/search', { params: { query: { q: text.slice(0, most), limit, ...(only && { only }) } }, signal })),
    enabled: text !== '',
    placeholderData: keepPreviousData,
  })

const most = 200 // characters that the server takes
