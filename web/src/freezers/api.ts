import { queryOptions } from '@tanstack/react-query'

import { type AddOptions, addParams, type NewRow, unwrapAdded } from '../addMany/api'
import { api, ifMatch, type Schemas, unwrap, unwrapCreated, unwrapPage, unwrapWritten } from '../api/client'
import type { EditOptions } from '../api/useRowEdit'
import { type AsOf, asOfKey, asOfParam } from '../asOf/asOf'
import { createHistoryReader } from '../changes/api'

// API calls for freezers.

export type Freezer = Schemas['Freezer']

export const freezerLabels = { name: 'Name', site_id: 'Site', capacity: 'Capacity' } as const satisfies Partial<
  Record<keyof Freezer, string>
>

export type FreezerFields = Pick<Freezer, 'name' | 'site_id' | 'capacity'>

export const freezerQuery = (id: number, asOf?: AsOf) =>
  queryOptions({
    queryKey: ['freezer', id, ...asOfKey(asOf)],
    queryFn: ({ signal }) => fetchFreezer(id, signal, asOf),
  })

export const fetchFreezer = (id: number, signal?: AbortSignal, asOf?: AsOf) =>
  unwrap(
    api.GET('/api/v1/freezers/{id}', {
      params: { path: { id }, query: asOfParam(asOf) as never },
      signal: signal ?? null,
    }),
  )

export const createFreezer = (fields: FreezerFields) => unwrapCreated(api.POST('/api/v1/freezers', { body: fields }))

/** addFreezers adds many freezers to a site: all of them, or none. */
export const addFreezers = (siteId: number, rows: NewRow[], options: AddOptions) =>
  unwrapAdded(
    api.POST('/api/v1/freezers', {
      params: addParams(options),
      body: rows.map(({ name }) => ({ name: name ?? '', site_id: siteId })),
    }),
  )

export const updateFreezer = (changes: Partial<Freezer>, base: Freezer) =>
  unwrap(
    api.PATCH('/api/v1/freezers/{id}', { params: { path: { id: base.id }, header: ifMatch(base) }, body: changes }),
  )

export const deleteFreezer = (freezer: Freezer, { cascade, dryRun }: { cascade: boolean; dryRun: boolean }) =>
  unwrapWritten(
    api.DELETE('/api/v1/freezers/{id}', {
      params: { path: { id: freezer.id }, query: { cascade, dry_run: dryRun }, header: ifMatch(freezer) },
    }),
  )

export const freezerHistory = (id: number) =>
  createHistoryReader('freezer', id, (signal) =>
    unwrapPage(api.GET('/api/v1/freezers/{id}/history', { params: { path: { id } }, signal })),
  )

/** freezerEditOptions returns the options of useRowEdit for a freezer. */
export const freezerEditOptions = ({ id }: Freezer): EditOptions<Freezer> => ({
  queryKey: freezerQuery(id).queryKey,
  listKey: ['freezers'],
  isSameRow: (row) => row.id === id,
  fetchRow: () => fetchFreezer(id),
  updateRow: updateFreezer,
})
