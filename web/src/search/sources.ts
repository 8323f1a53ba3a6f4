import type { LinkProps } from '@tanstack/react-router'

import type { QueryClient } from '@tanstack/react-query'

import { readSite, sitesQuery } from '../sites/api'
import type { IconName } from '../parts/icons'

/** A Hit is something that the search found, and where it is. */
export interface Hit {
  key: string
  label: string
  hint: string
  icon: IconName
  to: NonNullable<LinkProps['to']>
  params?: Record<string, string>
}

/** A source finds things of one noun. The API's filters want whole values, so it looks for exact names and numbers. */
type Source = (text: string, queryClient: QueryClient, signal: AbortSignal) => Promise<Hit[]>

const isNumber = /^\d{1,15}$/

/** sources are all that is searched. To add a noun, add its source. */
export const sources: Source[] = [
  async (text, queryClient, signal) => {
    const named = queryClient.fetchInfiniteQuery(sitesQuery({ name: text })).then(({ pages }) => pages.flatMap((page) => page.rows))
    const numbered = isNumber.test(text) ? readSite(Number(text), signal).then((site) => [site]) : Promise.resolve([])
    const found = await Promise.allSettled([named, numbered])
    const sites = new Map(found.flatMap((one) => (one.status === 'fulfilled' ? one.value : [])).map((site) => [site.id, site]))
    return [...sites.values()].slice(0, 5).map((site) => ({
      key: `site ${site.id}`,
      label: site.name,
      hint: `Site ${site.id}`,
      icon: 'site' as const,
      to: '/sites/$id' as const,
      params: { id: String(site.id) },
    }))
  },
]
