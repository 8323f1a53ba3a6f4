import { queryOptions, useQuery } from '@tanstack/react-query'

import { api, page } from '../api/client'
import { TextLink } from '../parts/links'

// Rows speak of a freezer by its number. The names come in one call, so that a table asks once, not for each row.

const namesQuery = queryOptions({
  queryKey: ['freezers', 'names'],
  staleTime: 60_000,
  queryFn: async ({ signal }) => {
    const { rows } = await page(api.GET('/api/v1/freezers', { params: { query: { limit: 1000 } }, signal }))
    return Object.fromEntries(rows.map(({ id, name }) => [id, name]))
  },
})

/** useFreezerNames tells what freezers are called; their numbers, where there are more than one call tells. */
export function useFreezerNames(): (id: number) => string {
  const { data } = useQuery(namesQuery)
  return (id) => data?.[id] ?? `Freezer ${id}`
}

/** FreezerLink leads to a freezer. */
export function FreezerLink({ id, name }: { id: number; name?: string | undefined }) {
  return (
    <TextLink to="/freezers/$id" params={{ id: String(id) }}>
      {name ?? <Called id={id} />}
    </TextLink>
  )
}

function Called({ id }: { id: number }) {
  return useFreezerNames()(id)
}
