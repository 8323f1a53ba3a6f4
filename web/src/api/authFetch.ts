import { Problem } from './problem'

// This file sends requests and keeps the session alive: an access cookie is good for a quarter of an hour, POST /auth/refresh gives the next one.

const authPaths = ['/auth/login', '/auth/register', '/auth/refresh', '/auth/session'] // whose 401 means something else, or never comes
const renewedAtKey = 'labledger.renewed-at' // in the storage that all tabs share

let renewal: Promise<boolean> | undefined
let handleSignedOut: () => void = () => {}

/** onSignedOut says what to do when a call finds that nobody is signed in any more. */
export function onSignedOut(handler: () => void): void {
  handleSignedOut = handler
}

/** authFetch is fetch, but a session that ran out is renewed once and the request repeated, and no answer at all is a Problem. */
export function authFetch(request: Request): Promise<Response> {
  if (authPaths.includes(new URL(request.url).pathname)) return fetchOrThrow(request)
  return withRenewal(() => fetchOrThrow(request.clone())) // a body can be sent once
}

/** withRenewal asks, and asks again when the session had run out and is renewed. When it is over it says so; the answer is still to be read. */
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

/** renewSession renews the session, once for all calls and tabs that found it run out since then. It answers whether somebody is signed in. */
export function renewSession(since: number): Promise<boolean> {
  renewal ??= withRenewalLock(() => renewOnce(since)).finally(() => {
    renewal = undefined
  })
  return renewal
}

/** withRenewalLock keeps other tabs out. A page that did not come safely, by plain HTTP from afar, has no locks; the server forgives two that come at once. */
async function withRenewalLock(run: () => Promise<boolean>): Promise<boolean> {
  return navigator.locks ? navigator.locks.request('labledger.renew', run) : run()
}

const storageDelay = 100 // ms that what one tab has written may take to the others

async function renewOnce(since: number): Promise<boolean> {
  await new Promise((resolve) => setTimeout(resolve, storageDelay))
  const storedAt = Number(localStorage.getItem(renewedAtKey))
  if (storedAt > since && storedAt <= Date.now()) return true // another tab was faster; a time to come was written before the clock was set back
  const body = JSON.stringify({ cookie: true })
  const response = await fetchOrThrow(new Request('/auth/refresh', { method: 'POST', headers: { 'Content-Type': 'application/json' }, body }))
  if (response.ok) localStorage.setItem(renewedAtKey, String(Date.now()))
  if (response.status >= 500 || response.status === 429) throw Problem.fromResponse(response, await response.json().catch(() => undefined))
  return response.ok
}
