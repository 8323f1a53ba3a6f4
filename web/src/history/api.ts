import { queryOptions } from '@tanstack/react-query'

import { api, page, type Schemas } from '../api/client'
import { paged } from '../api/queries'

// Everything that the app asks of the history of all tables.

export type Change = Schemas['Change']
export type ChangeFilters = Partial<Record<'table_name' | 'row_key' | 'actor' | 'action' | 'request_id', string>>

const together = 1000 // changes a page: the API lists the oldest first, and the newest are wanted
const every = 5_000 // ms between looking for newer ones

const read = (filters: ChangeFilters, after: string | undefined, signal: AbortSignal) =>
  page(api.GET('/api/v1/changes', { params: { query: { ...filters, after, limit: together } }, signal }))

export const changesQuery = (filters: ChangeFilters) => paged(['changes', filters], (after, signal) => read(filters, after, signal))

/** newerChangesQuery is what came after the last change that was read. A reader who goes on from there overlooks none. */
export const newerChangesQuery = (filters: ChangeFilters, after: string | undefined) =>
  queryOptions({ queryKey: ['changes', filters, 'after', after], queryFn: ({ signal }) => read(filters, after, signal), staleTime: 0, gcTime: 0, refetchInterval: every })
