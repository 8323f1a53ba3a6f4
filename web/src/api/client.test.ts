import { describe, expect, test, vi } from 'vitest'

vi.stubGlobal('location', new URL('http://127.0.0.1:5000/app/'))
const { parseNextCursor, ifMatch, unwrapPage, unwrap } = await import('./client')
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
  ])('parseNextCursor of %s returns %s', (link, cursor) => expect(parseNextCursor(link)).toBe(cursor))

  test('an empty last page has no next cursor', async () => {
    expect(await unwrapPage(Promise.resolve({ data: [], response: new Response('[]') }))).toEqual({
      rows: [],
      nextCursor: undefined,
    })
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
      messagesByField: { name: 'is missing; must not be blank', mac: 'is invalid' },
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
