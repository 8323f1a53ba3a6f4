import { beforeEach, expect, test, vi } from 'vitest'

// The server here is a function that answers what was sent; what is tested is what is sent, and when.

let answers: (() => [status: number, body?: unknown])[] = []
let sent = 0
let meanwhile = () => {} // what happens here while the session is renewed
vi.stubGlobal('localStorage', { getItem: () => null, setItem: () => {} })
vi.stubGlobal('navigator', {})
vi.stubGlobal('location', new URL('http://127.0.0.1:5000/app/'))
const RealRequest = Request
vi.stubGlobal(
  'Request',
  class extends RealRequest {
    constructor(input: string, init?: RequestInit) {
      super(new URL(input, 'http://127.0.0.1:5000'), init)
    }
  },
)
let renewed = 200
vi.stubGlobal('fetch', async () => {
  meanwhile()
  return new Response(null, { status: renewed })
})
vi.stubGlobal(
  'XMLHttpRequest',
  class {
    status = 0
    response: unknown = null
    upload = {}
    onload = () => {}
    onabort = () => {}
    open() {}
    getResponseHeader = (name: string) => (name === 'X-Request-Id' ? 'r1' : null)
    send() {
      sent++
      setTimeout(() => {
        const [status, body] = answers.shift()?.() ?? [500]
        this.status = status
        this.response = body ?? null
        this.onload()
      }, 5)
    }
    abort() {
      this.onabort()
    }
  },
)
const { onSignedOut } = await import('./authFetch')
const { post } = await import('./upload')
const ended = vi.fn()
onSignedOut(ended)

beforeEach(() => {
  sent = 0
  renewed = 200
  meanwhile = () => {}
  ended.mockClear()
})

const give = (signal = new AbortController().signal) => post<{ id: number }>('/x', new Blob(['a']), () => {}, signal)

test('a session that ran out is renewed, and the file sent again', async () => {
  answers = [() => [401], () => [201, { id: 7 }]]
  expect(await give()).toEqual({ body: { id: 7 }, requestId: 'r1' })
  expect([sent, ended.mock.calls.length]).toEqual([2, 0])
})

test('a session that is over is said', async () => {
  renewed = 401
  answers = [() => [401]]
  await expect(give()).rejects.toMatchObject({ name: 'Problem', status: 401 })
  expect([sent, ended.mock.calls.length]).toEqual([1, 1])
})

test('what was stopped while the session was renewed is not sent again', async () => {
  const stop = new AbortController()
  meanwhile = () => stop.abort()
  answers = [() => [401], () => [201, { id: 7 }]]
  await expect(give(stop.signal)).rejects.toMatchObject({ name: 'AbortError' })
  expect(sent).toBe(1)
})

test('a refusal is a problem', async () => {
  answers = [() => [413, { status: 413, title: 'Too large', detail: 'It has too many bytes.' }]]
  await expect(give()).rejects.toMatchObject({ name: 'Problem', status: 413, message: 'It has too many bytes.' })
})
