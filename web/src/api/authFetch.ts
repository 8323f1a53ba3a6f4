import { Problem } from './problem'

// This file sends requests and keeps the session alive: an access cookie is good for a quarter of an hour, POST /auth/refresh gives the next one.

const signingIn = ['/auth/login', '/auth/register', '/auth/refresh', '/auth/session'] // whose 401 means something else, or never comes
const renewedAt = 'labledger.renewed-at' // in the storage that all tabs share

let renewing: Promise<boolean> | undefined
let whenSignedOut: () => void = () => {}

/** onSignedOut says what to do when a call finds that nobody is signed in any more. */
export function onSignedOut(run: () => void): void {
  whenSignedOut = run
}

/** send is fetch, but a session that ran out is renewed once and the request repeated, and no answer at all is a Problem. */
export function send(request: Request): Promise<Response> {
  if (signingIn.includes(new URL(request.url).pathname)) return reach(request)
  return signedIn(() => reach(request.clone())) // a body can be sent once
}

/** signedIn asks, and asks again when the session had run out and is renewed. When it is over it says so; the answer is still to be read. */
export async function signedIn<T extends { status: number }>(ask: () => Promise<T>): Promise<T> {
  const at = Date.now()
  let answer = await ask()
  if (answer.status === 401 && (await renew(at))) answer = await ask()
  if (answer.status === 401) whenSignedOut()
  return answer
}

async function reach(request: Request): Promise<Response> {
  try {
    return await fetch(request)
  } catch (thrown) {
    if (request.signal.aborted) throw thrown
    throw Problem.unreachable()
  }
}

/** renew renews the session, once for all calls and tabs that found it run out since then. It answers whether somebody is signed in. */
export function renew(since: number): Promise<boolean> {
  renewing ??= alone(() => renewOnce(since)).finally(() => {
    renewing = undefined
  })
  return renewing
}

/** alone keeps other tabs out. A page that did not come safely, by plain HTTP from afar, has no locks; the server forgives two that come at once. */
async function alone(run: () => Promise<boolean>): Promise<boolean> {
  return navigator.locks ? navigator.locks.request('labledger.renew', run) : run()
}

const arrives = 100 // ms that what one tab has written may take to the others

async function renewOnce(since: number): Promise<boolean> {
  await new Promise((done) => setTimeout(done, arrives))
  const at = Number(localStorage.getItem(renewedAt))
  if (at > since && at <= Date.now()) return true // another tab was faster; a time to come was written before the clock was set back
  const body = JSON.stringify({ cookie: true })
  const response = await reach(new Request('/auth/refresh', { method: 'POST', headers: { 'Content-Type': 'application/json' }, body }))
  if (response.ok) localStorage.setItem(renewedAt, String(Date.now()))
  if (response.status >= 500 || response.status === 429) throw Problem.of(response, await response.json().catch(() => undefined))
  return response.ok
}
