import { queryOptions } from '@tanstack/react-query'

import { api, created, etag, page, row, type Schemas } from '../api/client'
import { newestFirst } from '../changes/api'

// Everything that the app asks of freezers.

export type Freezer = Schemas['Freezer']

export const freezerLabels = { name: 'Name', site_id: 'Site' } as const satisfies Partial<Record<keyof Freezer, string>>

export type FreezerFields = Pick<Freezer, 'name' | 'site_id'>

export const freezerQuery = (id: number) => queryOptions({ queryKey: ['freezer', id], queryFn: ({ signal }) => readFreezer(id, signal) })

export const readFreezer = (id: number, signal?: AbortSignal) => row(api.GET('/api/v1/freezers/{id}', { params: { path: { id } }, signal: signal ?? null }))

export const createFreezer = (fields: FreezerFields) => created(api.POST('/api/v1/freezers', { body: fields }))

export const changeFreezer = (changes: Partial<Freezer>, base: Freezer) =>
  row(api.PATCH('/api/v1/freezers/{id}', { params: { path: { id: base.id }, header: etag(base) }, body: changes }))

export const deleteFreezer = (freezer: Freezer, { cascade, dryRun }: { cascade: boolean; dryRun: boolean }) =>
  row(api.DELETE('/api/v1/freezers/{id}', { params: { path: { id: freezer.id }, query: { cascade, dry_run: dryRun }, header: etag(freezer) } }))

export const freezerHistory = (id: number) => newestFirst('freezer', id, (signal) => page(api.GET('/api/v1/freezers/{id}/history', { params: { path: { id } }, signal })))
