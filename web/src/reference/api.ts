import { queryOptions } from '@tanstack/react-query'

import { Problem } from '../api/problem'
import { send } from '../api/authFetch'
import { operations } from './openapi'

const address = '/api/v1/openapi.json'

/** referenceQuery is the server's own description of itself, as what the reference shows. */
export const referenceQuery = queryOptions({
  queryKey: ['reference'],
  staleTime: Infinity, // it changes with the program
  queryFn: async ({ signal }) => {
    const response = await send(new Request(address, { signal }))
    const body: unknown = await response.json().catch(() => undefined)
    if (!response.ok || typeof body !== 'object' || body === null) throw Problem.of(response, body)
    return operations(body as Record<string, unknown>)
  },
})
