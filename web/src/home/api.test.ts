import { QueryClient } from '@tanstack/react-query'
import { expect, test, vi } from 'vitest'

vi.stubGlobal('location', new URL('http://lab:5000/app/'))
const { countQueries } = await import('./api')

test.each([
  ['Sites', '131', 'exact', '131'],
  ['Containers', '3042', 'exact', '3,042'],
  ['Open alerts', '1200', 'estimated', 'about 1,200'],
])('%s: a total of %s (%s) is shown as %s', async (label, total, kind, expected) => {
  let requestedUrl = ''
  vi.stubGlobal('fetch', async ({ url }: Request) => {
    requestedUrl = url
    return new Response('[{}]', {
      headers: { 'Content-Type': 'application/json', 'X-Total-Count': total, 'X-Total-Count-Kind': kind },
    })
  })
  const query = countQueries.find((count) => count.label === label)?.query
  expect(query && (await new QueryClient().fetchQuery(query as never))).toBe(expected)
  expect(new URL(requestedUrl).searchParams.get('limit')).toBe('1')
})
