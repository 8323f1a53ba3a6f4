import { api, type Page, type Schemas, unwrapPage } from '../api/client'

export type Change = Schemas['Change']

/** RowChange is a change in the history of a row. Changes of alerts belong to no change set. */
export type RowChange = Omit<Change, 'changeset_id' | 'undoes_id'> & Partial<Pick<Change, 'changeset_id'>>

/** FetchHistory returns a page of the history of a row, newest change first. */
export type FetchHistory = (cursor: string | undefined, signal: AbortSignal) => Promise<Page<RowChange>>

/**
 * createHistoryReader returns a function that reads the history of a row, newest first. The API lists it oldest first.
 * One page nearly always holds all of it, and the reader reverses that page. A longer history comes from the slower
 * list of all changes, which can be sorted.
 */
export const createHistoryReader =
  (
    table_name: string,
    row_key: string | number,
    fetchOldestFirst: (signal: AbortSignal) => Promise<Page<Change>>,
  ): FetchHistory =>
  async (after, signal) => {
    if (after === undefined) {
      const { rows, nextCursor } = await fetchOldestFirst(signal)
      if (nextCursor === undefined) return { rows: rows.toReversed(), nextCursor }
    }
    const query = { table_name: [table_name], row_key: [String(row_key)], sort: '-id', after }
    return unwrapPage(api.GET('/api/v1/changes', { params: { query }, signal }))
  }
