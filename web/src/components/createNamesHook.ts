import { queryOptions, useQuery } from '@tanstack/react-query'

import type { Page } from '../api/client'

/**
 * createNamesHook makes the hook that tells what rows are called that others speak of by their numbers. The names come in one call, so that a table asks
 * once, not for each row; where there are more than one call tells, it is the noun and the number.
 */
export function createNamesHook(noun: string, listKey: string, fetchPage: (signal: AbortSignal) => Promise<Page<{ id: number; name: string }>>) {
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
