import { queryOptions, useQuery } from '@tanstack/react-query'

import { api, page } from '../api/client'
import { TextLink } from '../parts/links'

// Rows speak of a site by its number. The names come in one call, so that a table asks once, not for each row.

const namesQuery = queryOptions({
  queryKey: ['sites', 'names'],
  staleTime: 60_000,
  queryFn: async ({ signal }) => {
    const { rows } = await page(api.GET('/api/v1/sites', { params: { query: { limit: 1000 } }, signal }))
    return Object.fromEntries(rows.map(({ id, name }) => [id, name]))
  },
})

/** useSiteNames tells what sites are called; their numbers, where there are more than one call tells. */
export function useSiteNames(): (id: number) => string {
  const { data } = useQuery(namesQuery)
  return (id) => data?.[id] ?? `Site ${id}`
}

/** SiteLink leads to a site. */
export function SiteLink({ id, name }: { id: number; name?: string | undefined }) {
  return (
    <TextLink to="/sites/$id" params={{ id: String(id) }}>
      {name ?? <Called id={id} />}
    </TextLink>
  )
}

function Called({ id }: { id: number }) {
  return useSiteNames()(id)
}
