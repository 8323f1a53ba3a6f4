import { queryOptions, useQuery } from '@tanstack/react-query'

import type { Page } from '../api/client'

/**
 * createNamesHook returns a hook that maps IDs to names. One request loads all names, so that a table does not send a
 * request per row. IDs beyond the first page are shown as noun and ID.
 */
export function createNamesHook(
  noun: string,
  listKey: string,
  fetchPage: (signal: AbortSignal) => Promise<Page<{ id: number; name: string }>>,
) {
  const query = queryOptions({
    queryKey: [listKey, 'names'],
    staleTime: 60_000,
    queryFn: async ({ signal }) => Object.fromEntries((await fetchPage(signal)).rows.map(({ id, name }) => [id, name])),
  })
  return function useNames(): (id: number) => string {
    const { data } = useQuery(query)
    return (id) => data?.[id] ?? `${noun} ${id}`
  }
}
