import { QueryClient } from '@tanstack/react-query'
import { expect, test, vi } from 'vitest'

vi.stubGlobal('location', new URL('http://lab:5000/app/history'))
const { changesQuery } = await import('./api')

test.each([
  [0, 5_000],
  [1, 5_000],
  [12, 60_000],
])('with %i pages the list is refetched every %i ms', (pages, ms) => {
  const { queryKey, refetchInterval } = changesQuery({})
  const client = new QueryClient()
  if (pages > 0)
    client.setQueryData(queryKey, {
      pages: Array.from({ length: pages }, () => ({ rows: [], nextCursor: undefined })),
      pageParams: [],
    })
  expect(refetchInterval(client.getQueryCache().build(client, { queryKey }))).toBe(ms)
})
