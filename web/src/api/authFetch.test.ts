import { beforeEach, expect, test, vi } from 'vitest'

// The server is a stub. The tests check the number and the order of its requests.

const stored = new Map<string, string>()
vi.stubGlobal('localStorage', {
  getItem: (key: string) => stored.get(key) ?? null,
  setItem: (key: string, value: string) => stored.set(key, value),
})
vi.stubGlobal('navigator', {})
const origin = 'http://127.0.0.1:5000'
const RealRequest = Request
vi.stubGlobal(
  'Request',
  class extends RealRequest {
    constructor(input: string | URL | Request, init?: RequestInit) {
      super(typeof input === 'string' ? new URL(input, origin) : input, init)
    }
  },
)
const { onSignedOut, authFetch } = await import('./authFetch')

let isSignedIn = false
let renewals = 0
let rejectRenewal = false
let calls: string[] = []
let duringFetch = () => {} // runs while the first response is in flight
vi.stubGlobal('fetch', async (request: Request) => {
  const { pathname } = new URL(request.url)
  calls.push(`${request.method} ${pathname} ${await request.text()}`.trim())
  await new Promise((resolve) => setTimeout(resolve, 5))
  if (pathname === '/unreachable') throw new TypeError('Failed to fetch')
  if (pathname === '/auth/refresh') {
    renewals++
    isSignedIn = !rejectRenewal
    return new Response(null, { status: rejectRenewal ? 401 : 200 })
  }
  const response = new Response(null, { status: isSignedIn ? 200 : 401 })
  duringFetch()
  duringFetch = () => {}
  return response
})

const signedOut = vi.fn()
onSignedOut(signedOut)

beforeEach(() => {
  isSignedIn = rejectRenewal = false
  renewals = 0
  calls = []
  stored.clear()
  signedOut.mockClear()
})

test('concurrent calls with an expired session renew it once and are repeated with their bodies', async () => {
  const responses = await Promise.all(
    [1, 2, 3].map((n) => authFetch(new Request('/site', { method: 'POST', body: `body ${n}` }))),
  )
  expect(responses.map(({ status }) => status)).toEqual([200, 200, 200])
  expect(renewals).toBe(1)
  expect(calls.filter((call) => call === 'POST /site body 2').length).toBe(2)
  expect(signedOut).not.toHaveBeenCalled()
})

test('a session that another tab has renewed is not renewed again', async () => {
  duringFetch = () => {
    isSignedIn = true
    stored.set('labledger.renewed-at', String(Date.now() + 1))
  }
  expect((await authFetch(new Request('/site'))).status).toBe(200)
  expect(calls.length).toBe(2)
  expect(renewals).toBe(0)
})

test('a failed renewal is reported once and not repeated', async () => {
  rejectRenewal = true
  expect((await authFetch(new Request('/site'))).status).toBe(401)
  expect([renewals, signedOut.mock.calls.length]).toEqual([1, 1])
})

test('a wrong password does not trigger a renewal', async () => {
  expect((await authFetch(new Request('/auth/login', { method: 'POST' }))).status).toBe(401)
  expect(renewals).toBe(0)
})

test('a network error is a transient problem', async () => {
  await expect(authFetch(new Request('/unreachable'))).rejects.toMatchObject({
    name: 'Problem',
    status: 0,
    isTransient: true,
  })
})

test('a clock that was set back does not prevent renewal', async () => {
  stored.set('labledger.renewed-at', String(Date.now() + 3_600_000))
  expect((await authFetch(new Request('/site'))).status).toBe(200)
  expect(renewals).toBe(1)
})

test('a session that ends right after its renewal is reported', async () => {
  duringFetch = () => stored.set('labledger.renewed-at', String(Date.now() + 1))
  expect((await authFetch(new Request('/site'))).status).toBe(401)
  expect(signedOut.mock.calls.length).toBe(1)
})
