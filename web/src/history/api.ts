import { paged } from '../api/queries'
import { type ChangeFilters, latestChanges } from '../changes/api'

// Everything that the app asks of the history of all tables.

const every = 5_000 // ms between looking for newer ones; longer where more pages are shown, since each is read anew

/** changesQuery lists the newest first, and looks for newer ones now and then. */
export const changesQuery = (filters: ChangeFilters) => ({
  ...paged(['changes', filters], (after, signal) => latestChanges(filters, after, signal)),
  refetchInterval: ({ state }: { state: { data?: { pages: unknown[] } | undefined } }) => every * (state.data?.pages.length ?? 1),
})
