import { api, type Page, type Schemas, unwrapPage } from '../api/client'

export type Change = Schemas['Change']

export type ChangeFilters = Partial<Record<'table_name' | 'row_key' | 'actor' | 'action' | 'request_id', string>>

/** fetchChanges are a page of the changes of all tables, the newest first. */
export const fetchChanges = (filters: ChangeFilters, cursor: string | undefined, signal: AbortSignal) =>
  unwrapPage(api.GET('/api/v1/changes', { params: { query: { ...filters, order: 'desc', after: cursor } }, signal }))

/** FetchHistory reads a page of a row's history, the newest change first. */
export type FetchHistory = (cursor: string | undefined, signal: AbortSignal) => Promise<Page<Change>>

/**
 * createHistoryReader turns the history of a row around. The API lists it the oldest first; nearly always one answer is all of it. Where it is not, the
 * newest come from the list of all changes, which must look for them for longer.
 */
export const createHistoryReader =
  (table_name: string, row_key: string | number, fetchOldestFirst: (signal: AbortSignal) => Promise<Page<Change>>): FetchHistory =>
  async (after, signal) => {
    if (after === undefined) {
      const { rows, nextCursor } = await fetchOldestFirst(signal)
      if (nextCursor === undefined) return { rows: rows.toReversed(), nextCursor }
    }
    return fetchChanges({ table_name, row_key: String(row_key) }, after, signal)
  }
