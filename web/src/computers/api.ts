import { queryOptions } from '@tanstack/react-query'

import { api, created, etag, page, row, type Schemas } from '../api/client'
import { newestFirst } from '../changes/api'

// Everything that the app asks of computers.

export type Computer = Schemas['Computer']

export const computerLabels = { name: 'Name', mac: 'Hardware address', site_id: 'Site' } as const satisfies Partial<Record<keyof Computer, string>>

export type ComputerFields = Pick<Computer, 'name' | 'mac' | 'site_id'>

export const computerQuery = (id: number) => queryOptions({ queryKey: ['computer', id], queryFn: ({ signal }) => readComputer(id, signal) })

export const readComputer = (id: number, signal?: AbortSignal) => row(api.GET('/api/v1/computers/{id}', { params: { path: { id } }, signal: signal ?? null }))

export const createComputer = (fields: ComputerFields) => created(api.POST('/api/v1/computers', { body: fields }))

export const changeComputer = (changes: Partial<Computer>, base: Computer) =>
  row(api.PATCH('/api/v1/computers/{id}', { params: { path: { id: base.id }, header: etag(base) }, body: changes }))

export const deleteComputer = (computer: Computer, { dryRun }: { dryRun: boolean }) =>
  row(api.DELETE('/api/v1/computers/{id}', { params: { path: { id: computer.id }, query: { dry_run: dryRun }, header: etag(computer) } }))

export const computerHistory = (id: number) => newestFirst('computer', id, (signal) => page(api.GET('/api/v1/computers/{id}/history', { params: { path: { id } }, signal })))
