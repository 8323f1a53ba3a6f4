import { keepPreviousData, queryOptions } from '@tanstack/react-query'

import { api, unwrapPage } from '../api/client'
import { basePath } from '../api/basePath'
import type { ListDefinition } from './types'

/** QueryParams are the parameters of a list of the API. A parameter with several values is repeated. */
export type QueryParams = Record<string, string | string[]>

/** listQuery fetches a page of a list. The key starts with the noun, so that live updates refresh the list. */
export const listQuery = <T>({ noun }: Pick<ListDefinition<T>, 'noun'>, params: QueryParams) =>
  queryOptions({
    queryKey: [noun, 'list', params],
    // The parameters come from the URL as text. The server rejects invalid values.
    queryFn: ({ signal }) =>
      unwrapPage<T>(
        api.GET(`/api/v1/${noun}` as '/api/v1/sites', { params: { query: params as object }, signal }) as never,
      ),
    placeholderData: keepPreviousData,
  })

/** listUrl returns the URL of a list of the API. */
export const listUrl = (noun: string, params: Record<string, string>): string =>
  `${basePath}/api/v1/${noun}?${new URLSearchParams(params)}`
