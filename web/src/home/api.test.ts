import { QueryClient } from '@tanstack/react-query'
import { expect, test, vi } from 'vitest'

vi.stubGlobal('location', new URL('http://lab:5000/app/'))
const { countQueries } = await import('./api')

test.each([
  ['Sites', 131, '', '131'],
  ['Sites', 1000, '</api/v1/sites?after=1000>; rel="next"', `${(1000).toLocaleString()}+`],
  ['Open alerts', 100, '</api/v1/alerts?after=a>; rel="next"', '100+'],
])('%s: %i rows with the Link header %j are shown as %s', async (label, rowCount, link, expected) => {
  let requestedUrl = ''
  vi.stubGlobal('fetch', async ({ url }: Request) => {
    requestedUrl = url
    return new Response(JSON.stringify(Array.from({ length: rowCount }, () => ({}))), {
      headers: { 'Content-Type': 'application/json', Link: link },
    })
  })
  const query = countQueries.find((count) => count.label === label)?.query
  expect(query && (await new QueryClient().fetchQuery(query as never))).toBe(expected)
  expect(Number(new URL(requestedUrl).searchParams.get('limit'))).toBeGreaterThanOrEqual(rowCount)
})
