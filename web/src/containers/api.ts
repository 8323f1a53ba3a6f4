import { queryOptions } from '@tanstack/react-query'

import { type AddOptions, addParams, type NewRow, unwrapAdded } from '../addMany/api'
import { api, ifMatch, type Schemas, unwrap, unwrapCreated, unwrapPage } from '../api/client'
import type { EditOptions } from '../api/useRowEdit'
import { createHistoryReader } from '../changes/api'
import { findUuid } from '../scan/parseCode'

// API calls for containers.

export type Container = Schemas['Container']

export const containerLabels = { description: 'Description', freezer_id: 'Freezer' } as const satisfies Partial<
  Record<keyof Container, string>
>

export type ContainerFields = Pick<Container, 'description' | 'freezer_id'>
export type NewContainerFields = ContainerFields & { uuid?: string | undefined }

export const containerQuery = (uuid: string) =>
  queryOptions({ queryKey: ['container', uuid], queryFn: ({ signal }) => fetchContainer(uuid, signal) })

const fetchContainer = (uuid: string, signal?: AbortSignal) =>
  unwrap(api.GET('/api/v1/containers/{uuid}', { params: { path: { uuid } }, signal: signal ?? null }))

export const createContainer = (fields: NewContainerFields) =>
  unwrapCreated(api.POST('/api/v1/containers', { body: fields }))

/** addContainers adds many containers to a freezer: all of them, or none. */
export const addContainers = (freezerId: number, rows: NewRow[], options: AddOptions) =>
  unwrapAdded(
    api.POST('/api/v1/containers', {
      params: addParams(options),
      body: rows.map(({ description = null, uuid }) => ({
        description,
        ...(uuid && { uuid: findUuid(uuid) ?? uuid }),
        freezer_id: freezerId,
      })),
    }),
  )

const updateContainer = (changes: Partial<Container>, base: Container) =>
  unwrap(
    api.PATCH('/api/v1/containers/{uuid}', {
      params: { path: { uuid: base.uuid }, header: ifMatch(base) },
      body: changes,
    }),
  )

export const deleteContainer = (container: Container, { dryRun }: { dryRun: boolean }) =>
  unwrap(
    api.DELETE('/api/v1/containers/{uuid}', {
      params: { path: { uuid: container.uuid }, query: { dry_run: dryRun }, header: ifMatch(container) },
    }),
  )

export const containerHistory = (uuid: string) =>
  createHistoryReader('container', uuid, (signal) =>
    unwrapPage(api.GET('/api/v1/containers/{uuid}/history', { params: { path: { uuid } }, signal })),
  )

/** containerTitle returns the description of a container, or its barcode if there is none. */
export function containerTitle({ description, uuid }: Pick<Container, 'description' | 'uuid'>): string {
  return description?.trim() ? description : uuid
}

/** containerEditOptions returns the options of useRowEdit for a container. */
export const containerEditOptions = ({ uuid }: Container): EditOptions<Container> => ({
  queryKey: containerQuery(uuid).queryKey,
  listKey: ['containers'],
  isSameRow: (row) => row.uuid === uuid,
  fetchRow: () => fetchContainer(uuid),
  updateRow: updateContainer,
})
