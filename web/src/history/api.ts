import { api, page, type Schemas } from '../api/client'
import { paged } from '../api/queries'

// Everything that the app asks of the history of all tables.

export type Change = Schemas['Change']
export type ChangeFilters = Partial<Record<'table_name' | 'row_key' | 'actor' | 'action' | 'request_id', string>>

const every = 5_000 // ms between looking for newer ones; longer where more pages are shown, since each is read anew

/** changesQuery lists the newest first, and looks for newer ones now and then. */
export const changesQuery = (filters: ChangeFilters) => ({
  ...paged(['changes', filters], (after, signal) => page(api.GET('/api/v1/changes', { params: { query: { ...filters, order: 'desc', after } }, signal }))),
  refetchInterval: ({ state }: { state: { data?: { pages: unknown[] } | undefined } }) => every * (state.data?.pages.length ?? 1),
})
