import { pagedQuery } from '../api/queries'
import { type ChangeFilters, fetchChanges } from '../changes/api'

// API calls for the history of all tables.

const pollInterval = 5_000 // ms per loaded page, since each refetch loads all of them

/** changesQuery lists changes, newest first, and polls for new ones. */
export const changesQuery = (filters: ChangeFilters) => ({
  ...pagedQuery(['changes', filters], (after, signal) => fetchChanges(filters, after, signal)),
  refetchInterval: ({ state }: { state: { data?: { pages: unknown[] } | undefined } }) =>
    pollInterval * (state.data?.pages.length ?? 1),
})
