import { infiniteQueryOptions, MutationCache, QueryClient, type QueryKey } from '@tanstack/react-query'

import type { Page } from './client'
import { toProblem } from './problem'

const maxRetries = 3

/** createQueryClient holds what was read. Reads are tried again when that may help; writes never are, since nobody knows how far they got. */
export function createQueryClient(): QueryClient {
  const client: QueryClient = new QueryClient({
    // Whoever is refused a write may have another role by now.
    mutationCache: new MutationCache({ onError: (error) => void (toProblem(error).status === 403 && client.invalidateQueries({ queryKey: ['session'] })) }),
    defaultOptions: {
      queries: {
        staleTime: 10_000,
        retry: (count, error) => count < maxRetries && toProblem(error).isTransient,
        retryDelay: (count, error) => (toProblem(error).retryAfter ?? Math.min(2 ** count, 8)) * 1000,
      },
      mutations: { networkMode: 'always', retry: false },
    },
  })
  return client
}

/** pagedQuery are the options of a list that is read page by page; after is what the API calls the key of the last row. */
export function pagedQuery<T>(queryKey: QueryKey, fetchPage: (cursor: string | undefined, signal: AbortSignal) => Promise<Page<T>>) {
  return infiniteQueryOptions({
    queryKey,
    queryFn: ({ pageParam, signal }) => fetchPage(pageParam, signal),
    initialPageParam: undefined as string | undefined,
    getNextPageParam: (lastPage: Page<T>) => lastPage.nextCursor,
  })
}
