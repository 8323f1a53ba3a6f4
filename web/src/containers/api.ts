import { queryOptions } from '@tanstack/react-query'

import { type AddOptions, addParams, unwrapAdded } from '../addMany/api'
import { api, ifMatch, type Schemas, unwrap, unwrapCreated, unwrapPage, unwrapWritten } from '../api/client'
import type { EditOptions } from '../api/useRowEdit'
import { type AsOf, asOfKey, asOfParam } from '../asOf/asOf'
import { createHistoryReader } from '../changes/api'
import { findUuid } from '../scan/parseCode'

// API calls for containers.

export type Container = Schemas['Container']

/** containerLabels are the labels of the fields that users edit, in the order of the form. */
export const containerLabels = {
  description: 'Description',
  barcode: 'Barcode',
  kind: 'Kind',
  type: 'Type',
  project: 'Project',
  owner: 'Owner',
  quantity: 'Quantity',
  unit: 'Unit',
  expires_on: 'Expires',
  thaw_count: 'Thawed',
  freezer_id: 'Freezer',
  parent_uuid: 'Lies in',
  position: 'Position',
  rows: 'Rows',
  columns: 'Columns',
  scheme: 'Names of positions',
  blocked: 'Blocked positions',
  capacity: 'Capacity',
} as const satisfies Partial<Record<keyof Container, string>>

/** custodyLabels are the labels of the fields that a check-out sets. */
export const custodyLabels = {
  status: 'Status',
  status_reason: 'Reason',
  holder: 'Held by',
  held_since: 'Since',
  due_on: 'Due back',
} as const satisfies Partial<Record<keyof Container, string>>

export type ContainerFields = Partial<Pick<Container, keyof typeof containerLabels>>
export type NewContainerFields = ContainerFields & { uuid?: string | undefined; parent?: string | undefined }

export const containerQuery = (uuid: string, asOf?: AsOf) =>
  queryOptions({
    queryKey: ['container', uuid, ...asOfKey(asOf)],
    queryFn: ({ signal }) => fetchContainer(uuid, signal, asOf),
  })

const fetchContainer = (uuid: string, signal?: AbortSignal, asOf?: AsOf) =>
  unwrap(
    api.GET('/api/v1/containers/{uuid}', {
      params: { path: { uuid }, query: asOfParam(asOf) as never },
      signal: signal ?? null,
    }),
  )

// The types of the document require a freezer or a parent; the server says which one is missing.
export const createContainer = (fields: NewContainerFields) =>
  unwrapCreated(api.POST('/api/v1/containers', { body: fields as never })) as Promise<Container>

/** addContainers adds many containers: all of them, or none. */
export const addContainers = (rows: NewContainerFields[], options: AddOptions) =>
  unwrapAdded(api.POST('/api/v1/containers', { params: addParams(options), body: rows as never }))

/** readBarcode returns the fields that a barcode sets: a UUID is the key of the container, other text its barcode. */
export function readBarcode(text: string | null | undefined): Pick<NewContainerFields, 'uuid' | 'barcode'> {
  const trimmed = text?.trim()
  if (!trimmed) return {}
  const uuid = findUuid(trimmed)
  return uuid ? { uuid } : { barcode: trimmed }
}

const updateContainer = (changes: Partial<Container>, base: Container) =>
  unwrap(
    api.PATCH('/api/v1/containers/{uuid}', {
      params: { path: { uuid: base.uuid }, header: ifMatch(base) },
      body: changes as ContainerFields as never,
    }),
  )

/** findByBarcode returns the containers with a barcode: one, or none. */
export const findByBarcode = (barcode: string, signal?: AbortSignal) =>
  unwrapPage(
    api.GET('/api/v1/containers', { params: { query: { barcode: [barcode], limit: 1 } }, signal: signal ?? null }),
  ).then(({ rows }) => rows as Container[])

export const deleteContainer = (container: Container, { cascade, dryRun }: { cascade: boolean; dryRun: boolean }) =>
  unwrapWritten(
    api.DELETE('/api/v1/containers/{uuid}', {
      params: { path: { uuid: container.uuid }, query: { cascade, dry_run: dryRun }, header: ifMatch(container) },
    }),
  )

export const containerHistory = (uuid: string) =>
  createHistoryReader('container', uuid, (signal) =>
    unwrapPage(api.GET('/api/v1/containers/{uuid}/history', { params: { path: { uuid } }, signal })),
  )

/** containerTitle returns what people call a container: its description, else its barcode, else its UUID. */
export function containerTitle({
  description,
  barcode,
  uuid,
}: Pick<Container, 'description' | 'uuid'> & { barcode?: string | null }): string {
  return description?.trim() ? description : (barcode ?? uuid)
}

/** containerEditOptions returns the options of useRowEdit for a container. */
export const containerEditOptions = ({ uuid }: Container): EditOptions<Container> => ({
  queryKey: containerQuery(uuid).queryKey,
  listKey: ['containers'],
  isSameRow: (row) => row.uuid === uuid,
  fetchRow: () => fetchContainer(uuid),
  updateRow: updateContainer,
})
