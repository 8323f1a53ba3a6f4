import { describe, expect, test, vi } from 'vitest'

vi.stubGlobal('location', new URL('http://127.0.0.1:5000/app/'))
const { parseCursor, ifMatch, unwrapPage, unwrap } = await import('./client')
const { toProblem, Problem } = await import('./problem')

describe('pages', () => {
  test.each([
    ['</api/v1/sites?after=2&limit=1>; rel="next"', '2'],
    ['</api/v1/containers?after=0190-a%2Fb&limit=1>; rel="next"', '0190-a/b'],
    ['</a>; rel="first", </api/v1/sites?after=7>; rel="next"', '7'],
    ['</api/v1/sites?limit=1>; rel="next"', undefined],
    ['</api/v1/sites?after=7>; rel="prev"', undefined],
    ['', undefined],
    [null, undefined],
  ])('the next cursor of %s is %s', (link, cursor) => expect(parseCursor(link, 'next', 'after')).toBe(cursor))

  test('the previous cursor is that of the link prev', () => {
    const link = '</api/v1/sites?after=9>; rel="next", </api/v1/sites?before=5>; rel="prev"'
    expect(parseCursor(link, 'prev', 'before')).toBe('5')
    expect(parseCursor(link, 'next', 'after')).toBe('9')
  })

  test('an empty last page has no next cursor', async () => {
    expect(await unwrapPage(Promise.resolve({ data: [], response: new Response('[]') }))).toEqual({
      rows: [],
      nextCursor: undefined,
    })
  })

  test('the total says whether it is an estimate', async () => {
    const fetchTotal = async (headers: Record<string, string>) =>
      (await unwrapPage(Promise.resolve({ data: [], response: new Response('[]', { headers }) }))).total
    expect(await fetchTotal({ 'X-Total-Count': '3042', 'X-Total-Count-Kind': 'exact' })).toEqual({
      count: 3042,
      isEstimate: false,
    })
    expect(await fetchTotal({ 'X-Total-Count': '9', 'X-Total-Count-Kind': 'estimated' })).toEqual({
      count: 9,
      isEstimate: true,
    })
    expect(await fetchTotal({})).toBeUndefined()
  })
})

test('ifMatch quotes the version', () => expect(ifMatch({ version: 3 })).toEqual({ 'If-Match': '"3"' }))

describe('problems', () => {
  const unwrapError = (status: number, error: unknown, headers = {}) =>
    unwrap(Promise.resolve({ error, response: new Response(null, { status, headers }) }))

  test('messages are grouped by field', async () => {
    const errors = [
      { field: 'name', message: 'is missing' },
      { field: 'mac', message: 'is invalid' },
      { field: 'name', message: 'must not be blank' },
    ]
    const problem = await unwrapError(400, {
      status: 400,
      title: 'Bad Request',
      detail: 'no',
      request_id: 'r1',
      errors,
    }).catch(toProblem)
    expect(problem).toMatchObject({
      status: 400,
      message: 'no',
      requestId: 'r1',
      messagesByField: { name: 'Required', mac: 'Is invalid' },
      isTransient: false,
    })
  })

  test('a response of a proxy becomes a problem', async () => {
    const problem = await unwrapError(502, '<html>Bad Gateway</html>', { 'Retry-After': '7' }).catch(toProblem)
    expect(problem).toMatchObject({ status: 502, retryAfter: 7, isTransient: true })
  })

  test.each([
    [0, true],
    [429, true],
    [503, true],
    [500, false],
    [409, false],
    [412, false],
  ])('status %i is transient: %s', (status, transient) =>
    expect(new Problem({ status, detail: '' }).isTransient).toBe(transient),
  )
})
