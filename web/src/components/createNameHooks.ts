import { queryOptions, useQuery } from '@tanstack/react-query'

import type { Page } from '../api/client'

/**
 * createNameHooks returns hooks for the names of rows. One request loads all names, so that a table does not send a
 * request per row. IDs beyond the first page are shown as noun and ID.
 */
export function createNameHooks(
  noun: string,
  listKey: string,
  fetchPage: (signal: AbortSignal) => Promise<Page<{ id: number; name: string }>>,
) {
  const query = queryOptions({
    queryKey: [listKey, 'names'],
    staleTime: 60_000,
    queryFn: async ({ signal }) => Object.fromEntries((await fetchPage(signal)).rows.map(({ id, name }) => [id, name])),
  })
  /** useNames returns a function that maps an ID to a name. */
  function useNames(): (id: number) => string {
    const { data } = useQuery(query)
    return (id) => data?.[id] ?? `${noun} ${id}`
  }
  /** useOptions returns the options of a select, by name. */
  function useOptions(): { value: string; label: string }[] {
    const { data = {} } = useQuery(query)
    return Object.entries(data)
      .map(([value, label]) => ({ value, label }))
      .sort((a, b) => collator.compare(a.label, b.label))
  }
  return { useNames, useOptions }
}

const collator = new Intl.Collator('en', { numeric: true })
