import { queryOptions } from '@tanstack/react-query'

import { api, type Schemas, unwrap, unwrapPage } from '../api/client'
import { type AsOf, asOfKey, asOfParam } from '../asOf/asOf'

// What lies where. All keys start with 'storage', which every write of the app invalidates.

/** Contents is a container with its grid and what lies directly in it. */
export type Contents = Schemas['GetContainerContentsRow']

/** Content is a container that lies in another one. */
export type Content = Contents['contents'][number]

export type FreezerMapData = Schemas['GetFreezerMapRow']

/** MapUnit is a container that holds others, such as a shelf, a rack or a box. */
export type MapUnit = FreezerMapData['map'][number]

export const contentsQuery = (uuid: string, asOf?: AsOf) =>
  queryOptions({
    queryKey: ['storage', 'contents', uuid, ...asOfKey(asOf)],
    queryFn: ({ signal }) =>
      unwrap(
        api.GET('/api/v1/containers/{uuid}/contents', {
          params: { path: { uuid }, query: asOfParam(asOf) as never },
          signal,
        }),
      ),
  })

/** pathQuery returns the site, the freezer and the containers from the outermost one to the container itself. */
export const pathQuery = (uuid: string, asOf?: AsOf) =>
  queryOptions({
    queryKey: ['storage', 'path', uuid, ...asOfKey(asOf)],
    queryFn: ({ signal }) =>
      unwrap(
        api.GET('/api/v1/containers/{uuid}/path', {
          params: { path: { uuid }, query: asOfParam(asOf) as never },
          signal,
        }),
      ),
  })

/** freezerMapQuery returns what holds containers in a freezer. What lies loose in it is only counted. */
export const freezerMapQuery = (id: number, asOf?: AsOf) =>
  queryOptions({
    queryKey: ['storage', 'map', id, ...asOfKey(asOf)],
    queryFn: ({ signal }) =>
      unwrap(
        api.GET('/api/v1/freezers/{id}/map', { params: { path: { id }, query: asOfParam(asOf) as never }, signal }),
      ),
  })

/** freezerOccupancyQuery returns how full a freezer is: the sum of its containers and its own capacity. */
export const freezerOccupancyQuery = (id: number) =>
  queryOptions({
    queryKey: ['storage', 'occupancy', id],
    queryFn: async ({ signal }) => {
      const query = { freezer_id: [id], container_uuid__empty: true, limit: 1 }
      const { rows } = await unwrapPage(api.GET('/api/v1/occupancy', { params: { query: query as never }, signal }))
      return (rows[0] ?? null) as Schemas['ListOccupancyRow'] | null
    },
  })

export const freePositionsQuery = (uuid: string) =>
  queryOptions({
    queryKey: ['storage', 'free', uuid],
    queryFn: ({ signal }) =>
      unwrap(api.GET('/api/v1/containers/{uuid}/free-positions', { params: { path: { uuid } }, signal })),
  })

/** setPosition moves a container within the grid of its parent. The server rejects a position that is taken. */
export const setPosition = (uuid: string, position: string | null) =>
  unwrap(api.PATCH('/api/v1/containers/{uuid}', { params: { path: { uuid } }, body: { position } as never }))
