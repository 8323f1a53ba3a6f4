import { queryOptions } from '@tanstack/react-query'

import { api, type Schemas, unwrap, unwrapPage, unwrapWritten, type Written } from '../api/client'
import type { QueryParams } from '../grid/listQuery'
import { parsePlaceKey, type PlaceKey } from '../storage/placeKey'

// API calls that move many containers. A dry run is the plan: it does everything and stores nothing.

export type Moves = Schemas['Moves']
export type Move = Moves['moves'][number]

/** MoveItem is a container to move, with what people call it. */
export interface MoveItem {
  uuid: string
  title: string
}

export type FillOrder = 'rows' | 'columns' | 'same_type'

export interface MoveOrder {
  to: PlaceKey
  items: readonly MoveItem[]
  /** Positions by the UUID of a container. The others get a free one. */
  positions: Readonly<Record<string, string>>
  order: FillOrder
  keepPositions: boolean
}

/** MoveResult is what has moved, or would move. The request ID finds the changes in Activity. */
export type MoveResult = Written<Moves>

export interface WriteOptions {
  dryRun: boolean
}

const maxListed = 10_000 // moves in one response

const writeParams = ({ dryRun }: WriteOptions) => ({ query: { dry_run: dryRun } })

/** moveContainers moves containers, all or none. */
export const moveContainers = ({ to, items, positions, order, keepPositions }: MoveOrder, options: WriteOptions) =>
  unwrapWritten(
    api.POST('/api/v1/moves', {
      params: writeParams(options),
      body: {
        to: parsePlaceKey(to),
        containers: items.map(({ uuid }) => ({ container_uuid: uuid, position: positions[uuid] || null })),
        order,
        keep_positions: keepPositions,
        limit: maxListed,
      },
    }),
  )

/** evacuateFreezer moves everything in a freezer to other places, each filled before the next, all or nothing. */
export const evacuateFreezer = (id: number, to: readonly PlaceKey[], options: WriteOptions) =>
  unwrapWritten(
    api.POST('/api/v1/freezers/{id}/evacuate', {
      params: { ...writeParams(options), path: { id } },
      body: { to: to.map((key) => parsePlaceKey(key)), limit: maxListed },
    }),
  )

const pageSize = 1000

/** fetchMoveItems returns all containers that match the parameters of a list, in its order. */
export async function fetchMoveItems(params: QueryParams, signal?: AbortSignal): Promise<MoveItem[]> {
  const items: MoveItem[] = []
  let after: string | undefined
  do {
    const { rows, nextCursor } = await unwrapPage(
      api.GET('/api/v1/containers', {
        params: { query: { ...params, after, fields: 'uuid,description,barcode', limit: pageSize } as object },
        signal: signal ?? null,
      }),
    )
    items.push(...(rows as Named[]).map(toMoveItem))
    after = nextCursor
  } while (after !== undefined)
  return items
}

type Named = Pick<Schemas['Container'], 'uuid' | 'description' | 'barcode'>

/** toMoveItem returns a container with its description, or else its barcode or UUID. */
export const toMoveItem = ({ uuid, description, barcode }: Named): MoveItem => ({
  uuid,
  title: description?.trim() || barcode || uuid,
})

// The keys below start with 'storage': they change with every move.

/** Room is how much a place can still take directly. */
export interface Room {
  /** Undefined for any number. */
  free: number | undefined
  /** The free positions of a grid, row by row; empty without a grid. */
  positions: string[]
  /** How many containers lie directly in it. */
  containers: number
}

/** roomQuery returns the room in a freezer or a container. */
export const roomQuery = (key: PlaceKey) =>
  queryOptions({ queryKey: ['storage', 'room', key], queryFn: ({ signal }) => fetchRoom(key, signal) })

async function fetchRoom(key: PlaceKey, signal: AbortSignal): Promise<Room> {
  const place = parsePlaceKey(key)
  if (place.container_uuid !== undefined) {
    const path = { uuid: place.container_uuid }
    const [{ free, positions }, containers] = await Promise.all([
      unwrap(api.GET('/api/v1/containers/{uuid}/free-positions', { params: { path }, signal })),
      countContainers({ parent_uuid: place.container_uuid }, signal),
    ])
    return { free: free ?? undefined, positions, containers }
  }
  const [{ capacity }, containers] = await Promise.all([
    unwrap(api.GET('/api/v1/freezers/{id}', { params: { path: { id: place.freezer_id } }, signal })),
    countContainers({ freezer_id: String(place.freezer_id), parent_uuid__empty: 'true' }, signal),
  ])
  return { free: capacity === null ? undefined : Math.max(0, capacity - containers), positions: [], containers }
}

async function countContainers(params: QueryParams, signal: AbortSignal): Promise<number> {
  const query = { ...params, fields: 'uuid', limit: 1, count: 'exact' } as object
  const { rows, total } = await unwrapPage(api.GET('/api/v1/containers', { params: { query }, signal }))
  return total?.count ?? rows.length
}

/** looseCountQuery counts the containers that lie directly in a freezer. */
export const looseCountQuery = (freezerId: number) =>
  queryOptions({
    queryKey: ['storage', 'loose', freezerId],
    queryFn: ({ signal }) =>
      countContainers({ freezer_id: String(freezerId), parent_uuid__empty: 'true' }, signal),
  })
