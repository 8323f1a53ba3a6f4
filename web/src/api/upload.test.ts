import { beforeEach, expect, test, vi } from 'vitest'

// The server is a stub. The tests check what is sent, and when.

let responses: (() => [status: number, body?: unknown])[] = []
let sendCount = 0
let duringRenewal = () => {} // runs during the renewal of the session
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
let renewalStatus = 200
vi.stubGlobal('fetch', async () => {
  duringRenewal()
  return new Response(null, { status: renewalStatus })
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
      sendCount++
      setTimeout(() => {
        const [status, body] = responses.shift()?.() ?? [500]
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
const { upload } = await import('./upload')
const signedOut = vi.fn()
onSignedOut(signedOut)

beforeEach(() => {
  sendCount = 0
  renewalStatus = 200
  duringRenewal = () => {}
  signedOut.mockClear()
})

const uploadFile = (signal = new AbortController().signal) =>
  upload<{ id: number }>('/x', new Blob(['a']), () => {}, signal)

test('an expired session is renewed and the file is sent again', async () => {
  responses = [() => [401], () => [201, { id: 7 }]]
  expect(await uploadFile()).toEqual({ body: { id: 7 }, requestId: 'r1' })
  expect([sendCount, signedOut.mock.calls.length]).toEqual([2, 0])
})

test('an ended session is reported', async () => {
  renewalStatus = 401
  responses = [() => [401]]
  await expect(uploadFile()).rejects.toMatchObject({ name: 'Problem', status: 401 })
  expect([sendCount, signedOut.mock.calls.length]).toEqual([1, 1])
})

test('an upload that is aborted during the renewal is not sent again', async () => {
  const controller = new AbortController()
  duringRenewal = () => controller.abort()
  responses = [() => [401], () => [201, { id: 7 }]]
  await expect(uploadFile(controller.signal)).rejects.toMatchObject({ name: 'AbortError' })
  expect(sendCount).toBe(1)
})

test('a rejected upload throws a problem', async () => {
  responses = [() => [413, { status: 413, title: 'Too large', detail: 'The file is too large.' }]]
  await expect(uploadFile()).rejects.toMatchObject({ name: 'Problem', status: 413, message: 'The file is too large.' })
})
