import { infiniteQueryOptions, MutationCache, QueryClient, type QueryKey } from '@tanstack/react-query'

import type { Page } from './client'
import { toProblem } from './problem'

const maxRetries = 3

/**
 * createQueryClient creates the query cache. Transient errors of reads are retried; writes are not, because they may
 * have been applied.
 */
export function createQueryClient(): QueryClient {
  const client: QueryClient = new QueryClient({
    mutationCache: new MutationCache({
      onSuccess: () => {
        void client.invalidateQueries({ queryKey: ['summary'] }) // it counts the rows of all lists
        void client.invalidateQueries({ queryKey: ['storage'] }) // what lies where
        void client.invalidateQueries({ queryKey: ['changesets'] }) // every write is one
      },
      // A rejected write may mean that the role of the user has changed.
      onError: (error) => void (toProblem(error).status === 403 && client.invalidateQueries({ queryKey: ['session'] })),
    }),
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

/** pagedQuery returns the query options of a list that is fetched page by page. */
export function pagedQuery<T>(
  queryKey: QueryKey,
  fetchPage: (cursor: string | undefined, signal: AbortSignal) => Promise<Page<T>>,
) {
  return infiniteQueryOptions({
    queryKey,
    queryFn: ({ pageParam, signal }) => fetchPage(pageParam, signal),
    initialPageParam: undefined as string | undefined,
    getNextPageParam: (lastPage: Page<T>) => lastPage.nextCursor,
  })
}
