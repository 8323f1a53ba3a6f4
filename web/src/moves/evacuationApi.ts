import { type QueryClient, queryOptions } from '@tanstack/react-query'

import { batches } from '../api/batches'
import { api, type Page, type Schemas, unwrapPage } from '../api/client'
import { containerKey, freezerKey, parsePlaceKey, type PlaceKey } from '../storage/placeKey'
import { roomQuery, toMoveItem } from './api'
import type { EvacuationPlace } from './evacuationPlaces'

type FreezerRow = Schemas['Freezer'] & { site_name?: string }
type ContainerRow = Schemas['Container'] & { freezer_name?: string; site_id?: number; site_name?: string }

const pageSize = 1000
const maxValues = 100 // of one filter

/** otherFreezersQuery returns all freezers but one, with their room. */
export const otherFreezersQuery = (id: number) =>
  queryOptions({
    queryKey: ['storage', 'other freezers', id],
    queryFn: async ({ signal }): Promise<EvacuationPlace[]> => {
      const [freezers, contents] = await Promise.all([fetchFreezers(signal), fetchContents(signal)])
      const others = freezers.filter((freezer) => freezer.id !== id)
      const limited = others.filter(({ capacity }) => capacity !== null)
      const loose = await countLoose(
        limited.map((freezer) => freezer.id),
        signal,
      )
      return others.map(({ id, name, site_id, site_name, capacity }) => ({
        key: freezerKey(id),
        name,
        freezerName: name,
        siteId: site_id,
        siteName: site_name ?? '',
        free: capacity === null ? undefined : Math.max(0, capacity - (loose.get(id) ?? 0)),
        containers: contents.get(id) ?? 0,
      }))
    },
  })

/** fetchPlace returns any place that the user has picked. */
export async function fetchPlace(
  key: PlaceKey,
  freezers: readonly EvacuationPlace[],
  queryClient: QueryClient,
): Promise<EvacuationPlace | undefined> {
  const place = parsePlaceKey(key)
  if (place.freezer_id !== undefined) return freezers.find((freezer) => freezer.key === key)
  const query = { uuid: [place.container_uuid], include: 'freezer,site' } as object
  const [{ rows }, room] = await Promise.all([
    unwrapPage(api.GET('/api/v1/containers', { params: { query } })),
    queryClient.fetchQuery(roomQuery(key)),
  ])
  const [row] = rows as ContainerRow[]
  return (
    row && {
      key: containerKey(row.uuid),
      name: toMoveItem(row).title,
      freezerName: row.freezer_name ?? '',
      siteId: row.site_id ?? 0,
      siteName: row.site_name ?? '',
      free: room.free,
      containers: room.containers,
    }
  )
}

const fetchFreezers = (signal: AbortSignal) =>
  fetchAll((after) => {
    const query = { include: 'site', sort: 'id', limit: pageSize, after } as object
    return unwrapPage<FreezerRow>(api.GET('/api/v1/freezers', { params: { query }, signal }))
  })

/** fetchContents returns the number of all containers by freezer. */
async function fetchContents(signal: AbortSignal): Promise<Map<number, number>> {
  const rows = await fetchAll((after) => {
    const query = { container_uuid__empty: 'true', sort: 'freezer_id', limit: pageSize, after } as object
    return unwrapPage<Schemas['ListOccupancyRow']>(api.GET('/api/v1/occupancy', { params: { query }, signal }))
  })
  return new Map(rows.map(({ freezer_id, containers }) => [freezer_id, containers]))
}

/** countLoose returns how many containers lie directly in each of some freezers. */
async function countLoose(ids: number[], signal: AbortSignal): Promise<Map<number, number>> {
  const counts = new Map<number, number>()
  for (const batch of batches(ids, maxValues)) {
    const rows = await fetchAll((after) => {
      const query = {
        freezer_id__in: batch.join(','),
        parent_uuid__empty: 'true',
        fields: 'freezer_id',
        sort: 'id',
        limit: pageSize,
        after,
      } as object
      return unwrapPage<{ freezer_id: number }>(api.GET('/api/v1/containers', { params: { query }, signal }) as never)
    })
    for (const { freezer_id } of rows) counts.set(freezer_id, (counts.get(freezer_id) ?? 0) + 1)
  }
  return counts
}

async function fetchAll<T>(fetchPage: (after: string | undefined) => Promise<Page<T>>): Promise<T[]> {
  const all: T[] = []
  let after: string | undefined
  do {
    const { rows, nextCursor } = await fetchPage(after)
    all.push(...rows)
    after = nextCursor
  } while (after !== undefined)
  return all
}
