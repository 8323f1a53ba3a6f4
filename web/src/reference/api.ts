import { queryOptions } from '@tanstack/react-query'

import { authFetch } from '../api/authFetch'
import { basePath } from '../api/basePath'
import { Problem } from '../api/problem'
import { parseOperations } from './openapi'

const openapiPath = `${basePath}/api/v1/openapi.json`

/** referenceQuery fetches the OpenAPI document of the server and parses its operations. */
export const referenceQuery = queryOptions({
  queryKey: ['reference'],
  staleTime: Infinity, // changes only with the server version
  queryFn: async ({ signal }) => {
    const response = await authFetch(new Request(openapiPath, { signal }))
    const body: unknown = await response.json().catch(() => undefined)
    if (!response.ok || typeof body !== 'object' || body === null) throw Problem.fromResponse(response, body)
    return parseOperations(body as Record<string, unknown>)
  },
})
