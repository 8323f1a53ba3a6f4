import type { Schemas } from '../api/client'
import { api, unwrap, unwrapWritten, type Written } from '../api/client'
import type { QueryParams } from './listQuery'

// Writes to the selected rows of a grid. They are one request: all rows change, or none, and the history shows one
// change set.

/** Selection is what a bulk action applies to: the rows that the user has chosen, or all that match the filters. */
export interface Selection<T> {
  /** The chosen rows of the visible page. */
  rows: T[]
  count: number
  isAllMatching: boolean
  /** The parameters of the API that select the rows. */
  params: QueryParams
  /** The order of the list: "-country,name". */
  sort?: string | undefined
}

/** maxMatches is the largest number of rows that one request can write. */
export const maxMatches = 10_000

interface WriteOptions {
  dryRun?: boolean
}

/** patchSelection changes the fields of all selected rows. It fails if meanwhile more rows match. */
export const patchSelection = <T>(
  noun: string,
  { params, count }: Selection<T>,
  changes: object,
  { dryRun = false }: WriteOptions = {},
): Promise<Schemas['Matched']> =>
  unwrap(
    api.PATCH(`/api/v1/${noun}` as '/api/v1/containers', {
      params: { query: { ...params, max: count, dry_run: dryRun } as never },
      body: changes,
    }),
  )

/** deleteSelection deletes all selected rows. It fails if meanwhile more rows match. */
export const deleteSelection = <T>(
  noun: string,
  { params, count }: Selection<T>,
  { dryRun = false }: WriteOptions = {},
): Promise<Written<Schemas['Matched']>> =>
  unwrapWritten(
    api.DELETE(`/api/v1/${noun}` as '/api/v1/containers', {
      params: { query: { ...params, max: count, dry_run: dryRun } as never },
    }),
  )
