import { queryOptions } from '@tanstack/react-query'

import { authFetch } from '../api/authFetch'
import { Problem } from '../api/problem'
import { parseOperations } from './openapi'

const openapiPath = '/api/v1/openapi.json'

/** referenceQuery is the server's own description of itself, as what the reference shows. */
export const referenceQuery = queryOptions({
  queryKey: ['reference'],
  staleTime: Infinity, // it changes with the program
  queryFn: async ({ signal }) => {
    const response = await authFetch(new Request(openapiPath, { signal }))
    const body: unknown = await response.json().catch(() => undefined)
    if (!response.ok || typeof body !== 'object' || body === null) throw Problem.fromResponse(response, body)
    return parseOperations(body as Record<string, unknown>)
  },
})
