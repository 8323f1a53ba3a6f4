import { infiniteQueryOptions, MutationCache, QueryClient, type QueryKey } from '@tanstack/react-query'

import type { Page } from './client'
import { asProblem } from './problem'

const mostRetries = 3

/** newQueryClient holds what was read. Reads are tried again when that may help; writes never are, since nobody knows how far they got. */
export function newQueryClient(): QueryClient {
  const client: QueryClient = new QueryClient({
    // Whoever is refused a write may have another role by now.
    mutationCache: new MutationCache({ onError: (error) => void (asProblem(error).status === 403 && client.invalidateQueries({ queryKey: ['session'] })) }),
    defaultOptions: {
      queries: {
        staleTime: 10_000,
        retry: (count, error) => count < mostRetries && asProblem(error).transient,
        retryDelay: (count, error) => (asProblem(error).retryAfter ?? Math.min(2 ** count, 8)) * 1000,
      },
      mutations: { networkMode: 'always', retry: false },
    },
  })
  return client
}

/** paged are the options of a list that is read page by page; after is what the API calls the key of the last row. */
export function paged<T>(queryKey: QueryKey, read: (after: string | undefined, signal: AbortSignal) => Promise<Page<T>>) {
  return infiniteQueryOptions({
    queryKey,
    queryFn: ({ pageParam, signal }) => read(pageParam, signal),
    initialPageParam: undefined as string | undefined,
    getNextPageParam: (last: Page<T>) => last.next,
  })
}
