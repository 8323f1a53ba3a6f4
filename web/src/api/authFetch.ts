import { basePath, scopedName } from './basePath'
import { Problem } from './problem'

// Sends requests and renews the session: the access cookie is valid for 15 minutes, and POST /auth/refresh issues the
// next one.

// A 401 of these paths does not mean an expired session.
const authPaths = ['/auth/login', '/auth/register', '/auth/refresh', '/auth/session']
const renewedAtKey = scopedName('renewed-at') // in localStorage, shared by all tabs

let renewal: Promise<boolean> | undefined
let handleSignedOut: () => void = () => {}

/** onSignedOut sets the handler that is called when a request finds that the session has ended. */
export function onSignedOut(handler: () => void): void {
  handleSignedOut = handler
}

/**
 * authFetch is fetch with session renewal: it renews an expired session once and repeats the request. A network error
 * becomes a Problem.
 */
export function authFetch(request: Request): Promise<Response> {
  if (authPaths.includes(new URL(request.url).pathname.slice(basePath.length))) return fetchOrThrow(request)
  return withRenewal(() => fetchOrThrow(request.clone())) // a body can be sent only once
}

/**
 * withRenewal sends a request. On status 401 it renews the session and repeats the request. If the session has ended,
 * it calls the handler set by onSignedOut. It returns the last response.
 */
export async function withRenewal<T extends { status: number }>(sendRequest: () => Promise<T>): Promise<T> {
  const startedAt = Date.now()
  let response = await sendRequest()
  if (response.status === 401 && (await renewSession(startedAt))) response = await sendRequest()
  if (response.status === 401) handleSignedOut()
  return response
}

async function fetchOrThrow(request: Request): Promise<Response> {
  try {
    return await fetch(request)
  } catch (error) {
    if (request.signal.aborted) throw error
    throw Problem.unreachable()
  }
}

/**
 * renewSession renews the session once for all concurrent calls and tabs. It returns whether the user is still signed
 * in.
 */
export function renewSession(since: number): Promise<boolean> {
  renewal ??= withRenewalLock(() => renewOnce(since)).finally(() => {
    renewal = undefined
  })
  return renewal
}

/**
 * withRenewalLock runs a renewal in one tab at a time. Pages loaded over plain HTTP have no Web Locks, except on
 * localhost; the server tolerates two concurrent renewals.
 */
async function withRenewalLock(run: () => Promise<boolean>): Promise<boolean> {
  return navigator.locks ? navigator.locks.request(scopedName('renew'), run) : run()
}

const storageDelay = 100 // ms until a write to localStorage is visible to other tabs

async function renewOnce(since: number): Promise<boolean> {
  await new Promise((resolve) => setTimeout(resolve, storageDelay))
  const storedAt = Number(localStorage.getItem(renewedAtKey))
  // Another tab has renewed it; a time in the future was written before the clock was set back.
  if (storedAt > since && storedAt <= Date.now()) return true
  const body = JSON.stringify({ cookie: true })
  const response = await fetchOrThrow(
    new Request(`${basePath}/auth/refresh`, { method: 'POST', headers: { 'Content-Type': 'application/json' }, body }),
  )
  if (response.ok) localStorage.setItem(renewedAtKey, String(Date.now()))
  if (response.status >= 500 || response.status === 429)
    throw Problem.fromResponse(response, await response.json().catch(() => undefined))
  return response.ok
}
