import { pagedQuery } from '../api/queries'
import { type ChangeFilters, fetchChanges } from '../changes/api'

// Everything that the app asks of the history of all tables.

const pollInterval = 5_000 // ms between looking for newer ones; longer where more pages are shown, since each is read anew

/** changesQuery lists the newest first, and looks for newer ones now and then. */
export const changesQuery = (filters: ChangeFilters) => ({
  ...pagedQuery(['changes', filters], (after, signal) => fetchChanges(filters, after, signal)),
  refetchInterval: ({ state }: { state: { data?: { pages: unknown[] } | undefined } }) => pollInterval * (state.data?.pages.length ?? 1),
})
