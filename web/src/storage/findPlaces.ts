import { api, unwrapPage } from '../api/client'
import type { SelectOption } from '../components/AsyncSelect'
import type { Container } from '../containers/api'
import { parentKinds } from '../containers/kinds'
import type { QueryParams } from '../grid/listQuery'
import { findUuid } from '../scan/parseCode'
import { fetchHits, maxQueryLength, type SearchGroup } from '../search/api'
import { foldText } from '../search/findExactHits'
import { toHits } from '../search/hits'
import { containerKey, freezerKey } from './placeKey'

export interface PlaceOption extends SelectOption {
  barcode?: string | null
}

const maxContainers = 12 // of one request

/**
 * fetchPlaces returns the freezers, and the containers that can hold others, that match a text, or the first ones for
 * ''. The outermost containers come first. A barcode or UUID also finds any other container, before all places.
 */
export async function fetchPlaces(text: string, signal: AbortSignal): Promise<PlaceOption[]> {
  const find = async (params: QueryParams): Promise<Container[]> => {
    const query = { ...params, include: 'freezer,site', sort: 'description', limit: maxContainers } as object
    return (await unwrapPage(api.GET('/api/v1/containers', { params: { query }, signal }))).rows
  }
  const uuid = findUuid(text)
  if (uuid) return containerOptions(await find({ uuid }), signal)
  const q: QueryParams = text === '' ? {} : { q: text.slice(0, maxQueryLength) }
  const [exact, freezers, ...parents] = await Promise.all([
    text === '' ? [] : find({ barcode: text }),
    fetchHits('freezer', text, signal),
    find({ ...q, rows__empty: 'false' }),
    find({ ...q, capacity__empty: 'false' }),
    find({ ...q, kind__in: parentKinds.join(',') }),
  ])
  const found = [...exact, ...parents.flat().toSorted((a, b) => a.depth - b.depth)]
  const options = await containerOptions([...new Map(found.map((row) => [row.uuid, row])).values()], signal)
  return options.toSpliced(exact.length, 0, ...freezers.map((hit) => ({ ...hit, key: freezerKey(Number(hit.key)) })))
}

async function containerOptions(rows: Container[], signal: AbortSignal): Promise<PlaceOption[]> {
  const free = await fetchFree(rows, signal)
  return toHits({ noun: 'containers', rows } as SearchGroup).map(({ key, title, detail }, i) => ({
    key: containerKey(key),
    title,
    detail: free.has(key) ? `${detail}, ${free.get(key)} free` : detail,
    barcode: rows[i]?.barcode,
  }))
}

/** fetchFree returns the number of free positions of the containers with a grid or a capacity, by UUID. */
async function fetchFree(containers: Container[], signal: AbortSignal): Promise<Map<string, number>> {
  if (containers.length === 0) return new Map()
  const query = { container_uuid__in: containers.map(({ uuid }) => uuid).join(','), limit: containers.length } as object
  const { rows } = await unwrapPage(api.GET('/api/v1/occupancy', { params: { query }, signal }))
  return new Map(rows.map(({ container_uuid, free }) => [container_uuid ?? '', free]))
}

/** findNamedPlaces returns the places that a text names exactly: by barcode or UUID, else by name. */
export function findNamedPlaces(text: string, places: PlaceOption[]): PlaceOption[] {
  const code = text.trim()
  const uuid = findUuid(code)
  const byCode = places.filter(({ key, barcode }) => barcode === code || (uuid && key === containerKey(uuid)))
  return byCode.length > 0 ? byCode : places.filter(({ title }) => foldText(title) === foldText(text))
}
