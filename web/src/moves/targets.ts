import { api, type Schemas, unwrapPage } from '../api/client'
import type { SelectOption } from '../components/AsyncSelect'
import type { QueryParams } from '../grid/listQuery'
import { findUuid } from '../scan/parseCode'
import { containerKey, freezerKey, toMoveItem } from './api'

// Where containers can go: freezers, and containers that hold others.

export interface TargetOption extends SelectOption {
  barcode?: string | null
}

type FreezerRow = Schemas['Freezer'] & { site_name?: string }
type ContainerRow = Schemas['Container'] & { freezer_name?: string; site_name?: string }

const maxFreezers = 8
const maxContainers = 12
const maxQueryLength = 200 // characters; the limit of the server

/** fetchTargets returns the places that match a text, or the first ones for ''. A barcode finds any container. */
export async function fetchTargets(text: string, signal: AbortSignal): Promise<TargetOption[]> {
  const uuid = findUuid(text)
  const q: QueryParams = text === '' ? {} : { q: text.slice(0, maxQueryLength) }
  const [exact, freezers, withGrid, withCapacity] = await Promise.all([
    text === '' ? [] : fetchContainers(uuid ? { uuid } : { barcode: text }, signal),
    uuid ? [] : fetchFreezers(q, signal),
    uuid ? [] : fetchContainers({ ...q, rows__empty: 'false' }, signal),
    uuid ? [] : fetchContainers({ ...q, capacity__empty: 'false' }, signal),
  ])
  const found = [...exact, ...[...withGrid, ...withCapacity].toSorted(compareDepth)]
  const unique = [...new Map(found.map((row) => [row.uuid, row])).values()].slice(0, maxContainers)
  const free = await fetchFree(
    unique.map((row) => row.uuid),
    signal,
  )
  return tellApart([...freezers.map(freezerOption), ...unique.map((row) => containerOption(row, free.get(row.uuid)))])
}

/** tellApart adds the ID to the details of places that look equal otherwise. */
function tellApart(options: TargetOption[]): TargetOption[] {
  const keyOf = ({ title, detail }: TargetOption) => JSON.stringify([title, detail])
  const groups = Map.groupBy(options, keyOf)
  return options.map((option) =>
    (groups.get(keyOf(option))?.length ?? 0) > 1
      ? { ...option, detail: `${option.detail}, ${option.key.split(' ')[1]}` }
      : option,
  )
}

const compareDepth = (a: ContainerRow, b: ContainerRow) => a.depth - b.depth

const freezerOption = ({ id, name, site_name }: FreezerRow): TargetOption => ({
  key: freezerKey(id),
  title: name,
  detail: site_name ?? '',
})

const containerOption = (row: ContainerRow, free: number | undefined): TargetOption => ({
  key: containerKey(row.uuid),
  title: toMoveItem(row).title,
  detail: [row.freezer_name, row.site_name, free === undefined ? '' : `${free} free`].filter(Boolean).join(', '),
  barcode: row.barcode,
})

async function fetchFreezers(params: QueryParams, signal: AbortSignal): Promise<FreezerRow[]> {
  const query = { ...params, include: 'site', sort: 'name', limit: maxFreezers } as object
  return (await unwrapPage(api.GET('/api/v1/freezers', { params: { query }, signal }))).rows
}

async function fetchContainers(params: QueryParams, signal: AbortSignal): Promise<ContainerRow[]> {
  const query = { ...params, include: 'freezer,site', sort: 'description', limit: maxContainers } as object
  return (await unwrapPage(api.GET('/api/v1/containers', { params: { query }, signal }))).rows
}

/** fetchFree returns the number of free positions of containers with a grid or a capacity. */
async function fetchFree(uuids: string[], signal: AbortSignal): Promise<Map<string, number>> {
  if (uuids.length === 0) return new Map()
  const query = { container_uuid__in: uuids.join(','), limit: uuids.length } as object
  const { rows } = await unwrapPage(api.GET('/api/v1/occupancy', { params: { query }, signal }))
  return new Map(rows.map(({ container_uuid, free }) => [container_uuid ?? '', free]))
}
