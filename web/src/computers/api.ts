import { queryOptions } from '@tanstack/react-query'

import { api, ifMatch, type Schemas, unwrap, unwrapCreated, unwrapPage, unwrapWritten } from '../api/client'
import type { EditOptions } from '../api/useRowEdit'
import { type AsOf, asOfKey, asOfParam } from '../asOf/asOf'
import { createHistoryReader } from '../changes/api'

// API calls for computers.

export type Computer = Schemas['Computer']

export const computerLabels = { name: 'Name', mac: 'MAC address', site_id: 'Site' } as const satisfies Partial<
  Record<keyof Computer, string>
>

export type ComputerFields = Pick<Computer, 'name' | 'mac' | 'site_id'>

export const computerQuery = (id: number, asOf?: AsOf) =>
  queryOptions({
    queryKey: ['computer', id, ...asOfKey(asOf)],
    queryFn: ({ signal }) => fetchComputer(id, signal, asOf),
  })

export const fetchComputer = (id: number, signal?: AbortSignal, asOf?: AsOf) =>
  unwrap(
    api.GET('/api/v1/computers/{id}', {
      params: { path: { id }, query: asOfParam(asOf) as never },
      signal: signal ?? null,
    }),
  )

export const createComputer = (fields: ComputerFields) => unwrapCreated(api.POST('/api/v1/computers', { body: fields }))

export const updateComputer = (changes: Partial<Computer>, base: Computer) =>
  unwrap(
    api.PATCH('/api/v1/computers/{id}', { params: { path: { id: base.id }, header: ifMatch(base) }, body: changes }),
  )

export const deleteComputer = (computer: Computer, { dryRun }: { dryRun: boolean }) =>
  unwrapWritten(
    api.DELETE('/api/v1/computers/{id}', {
      params: { path: { id: computer.id }, query: { dry_run: dryRun }, header: ifMatch(computer) },
    }),
  )

export const computerHistory = (id: number) =>
  createHistoryReader('computer', id, (signal) =>
    unwrapPage(api.GET('/api/v1/computers/{id}/history', { params: { path: { id } }, signal })),
  )

/** computerEditOptions returns the options of useRowEdit for a computer. */
export const computerEditOptions = ({ id }: Computer): EditOptions<Computer> => ({
  queryKey: computerQuery(id).queryKey,
  listKey: ['computers'],
  isSameRow: (row) => row.id === id,
  fetchRow: () => fetchComputer(id),
  updateRow: updateComputer,
})
