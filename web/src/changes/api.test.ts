import { expect, test, vi } from 'vitest'

vi.stubGlobal('location', new URL('http://lab:5000/app/'))
const { newestFirst } = await import('./api')

const change = (id: number) => ({ id }) as never
const signal = new AbortController().signal

test('a history that fits one answer is turned around', async () => {
  const fetched = vi.fn()
  vi.stubGlobal('fetch', fetched)
  const read = newestFirst('site', 1, async () => ({ rows: [change(1), change(2)], next: undefined }))
  expect(await read(undefined, signal)).toEqual({ rows: [{ id: 2 }, { id: 1 }], next: undefined })
  expect(fetched).not.toHaveBeenCalled()
})

test('of a longer one the newest come from the list of all changes, and so do the older ones', async () => {
  const asked: string[] = []
  vi.stubGlobal('fetch', async ({ url }: Request) => {
    asked.push(url)
    return new Response('[{"id":300}]', { headers: { 'Content-Type': 'application/json', Link: '</api/v1/changes?after=300>; rel="next"' } })
  })
  const read = newestFirst('container', '0190-a', async () => ({ rows: [change(1)], next: '1' }))
  expect(await read(undefined, signal)).toEqual({ rows: [{ id: 300 }], next: '300' })
  await read('300', signal)
  expect(asked.map((url) => new URL(url).search)).toEqual(['?table_name=container&row_key=0190-a&order=desc', '?table_name=container&row_key=0190-a&order=desc&after=300'])
})
