import { queryOptions } from '@tanstack/react-query'

import { api, created, etag, page, row, type Schemas } from '../api/client'
import type { EditOptions } from '../api/useRowEdit'
import { paged } from '../api/queries'
import { newestFirst } from '../changes/api'

// Everything that the app asks of containers.

export type Container = Schemas['Container']

export const containerLabels = { description: 'Description', freezer_id: 'Freezer' } as const satisfies Partial<Record<keyof Container, string>>

export type ContainerFields = Pick<Container, 'description' | 'freezer_id'>
export type NewContainerFields = ContainerFields & { uuid?: string | undefined }

export type ContainerFilters = Partial<Record<'description' | 'freezer_id', string>>

export const containersQuery = ({ description, freezer_id }: ContainerFilters = {}) =>
  paged(['containers', { description, freezer_id }], (after, signal) =>
    page(api.GET('/api/v1/containers', { params: { query: { description, freezer_id: freezer_id as number | undefined, after } }, signal })),
  )

export const containerQuery = (uuid: string) => queryOptions({ queryKey: ['container', uuid], queryFn: ({ signal }) => readContainer(uuid, signal) })

export const readContainer = (uuid: string, signal?: AbortSignal) => row(api.GET('/api/v1/containers/{uuid}', { params: { path: { uuid } }, signal: signal ?? null }))

export const createContainer = (fields: NewContainerFields) => created(api.POST('/api/v1/containers', { body: fields }))

export const changeContainer = (changes: Partial<Container>, base: Container) =>
  row(api.PATCH('/api/v1/containers/{uuid}', { params: { path: { uuid: base.uuid }, header: etag(base) }, body: changes }))

export const deleteContainer = (container: Container, { dryRun }: { dryRun: boolean }) =>
  row(api.DELETE('/api/v1/containers/{uuid}', { params: { path: { uuid: container.uuid }, query: { dry_run: dryRun }, header: etag(container) } }))

export const containerHistory = (uuid: string) => newestFirst('container', uuid, (signal) => page(api.GET('/api/v1/containers/{uuid}/history', { params: { path: { uuid } }, signal })))

/** titleOf is what a container is called: what is in it, else what its label says. */
export function titleOf({ description, uuid }: Pick<Container, 'description' | 'uuid'>): string {
  return description?.trim() ? description : uuid
}

/** editOf are the options of useRowEdit for a container. */
export const editOf = ({ uuid }: Container): EditOptions<Container> => ({
  row: containerQuery(uuid).queryKey,
  list: ['containers'],
  same: (one) => one.uuid === uuid,
  read: () => readContainer(uuid),
  write: changeContainer,
})
