import { expect, test, vi } from 'vitest'

vi.stubGlobal('location', new URL('http://lab:5000/app/'))
const { createHistoryReader } = await import('./api')

const change = (id: number) => ({ id }) as never
const signal = new AbortController().signal

test('a history of one page is reversed without a second request', async () => {
  const fetchMock = vi.fn()
  vi.stubGlobal('fetch', fetchMock)
  const fetchHistory = createHistoryReader('site', 1, async () => ({
    rows: [change(1), change(2)],
    nextCursor: undefined,
  }))
  expect(await fetchHistory(undefined, signal)).toEqual({ rows: [{ id: 2 }, { id: 1 }], nextCursor: undefined })
  expect(fetchMock).not.toHaveBeenCalled()
})

test('a history of several pages is read from the list of all changes', async () => {
  const urls: string[] = []
  vi.stubGlobal('fetch', async ({ url }: Request) => {
    urls.push(url)
    return new Response('[{"id":300}]', {
      headers: { 'Content-Type': 'application/json', Link: '</api/v1/changes?after=300>; rel="next"' },
    })
  })
  const fetchHistory = createHistoryReader('container', '0190-a', async () => ({ rows: [change(1)], nextCursor: '1' }))
  expect(await fetchHistory(undefined, signal)).toEqual({ rows: [{ id: 300 }], nextCursor: '300' })
  await fetchHistory('300', signal)
  expect(urls.map((url) => new URL(url).search)).toEqual([
    '?table_name=container&row_key=0190-a&sort=-id',
    '?table_name=container&row_key=0190-a&sort=-id&after=300',
  ])
})
