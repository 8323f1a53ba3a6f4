import { api, type Page, page, type Schemas } from '../api/client'

export type Change = Schemas['Change']

export type ChangeFilters = Partial<Record<'table_name' | 'row_key' | 'actor' | 'action' | 'request_id', string>>

/** latestChanges are a page of the changes of all tables, the newest first. */
export const latestChanges = (filters: ChangeFilters, after: string | undefined, signal: AbortSignal) =>
  page(api.GET('/api/v1/changes', { params: { query: { ...filters, order: 'desc', after } }, signal }))

/** ReadHistory reads a page of a row's history, the newest change first. */
export type ReadHistory = (after: string | undefined, signal: AbortSignal) => Promise<Page<Change>>

/**
 * newestFirst turns the history of a row around. The API lists it the oldest first; nearly always one answer is all of it. Where it is not, the
 * newest come from the list of all changes, which must look for them for longer.
 */
export const newestFirst =
  (table_name: string, row_key: string | number, read: (signal: AbortSignal) => Promise<Page<Change>>): ReadHistory =>
  async (after, signal) => {
    if (after === undefined) {
      const { rows, next } = await read(signal)
      if (next === undefined) return { rows: rows.toReversed(), next }
    }
    return latestChanges({ table_name, row_key: String(row_key) }, after, signal)
  }
