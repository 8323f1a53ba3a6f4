import { callApi, expect, type Page } from './fixtures'
import type { Server } from './server'

// Helpers for the journeys of events, alerts and rules.

export interface EventInput {
  type: 'deposit' | 'withdraw'
  amount: string
  user_id: number
  time: number
}

interface RecordedEvent {
  event_id: string
  alert_id: string | null
  alert_codes: number[]
}

let lastUserId = 0

/** newUserId returns a user ID that no other journey uses. */
export function newUserId(): number {
  lastUserId = Math.max(lastUserId + 1, 1000 + (Date.now() % 1e8) * 10)
  return lastUserId
}

/** recordEvents records events through the API of a server without sign-in. */
export async function recordEvents(server: Server, events: EventInput[]): Promise<RecordedEvent[]> {
  const response = await fetch(`${server.url}/api/v1/events`, {
    method: 'POST',
    headers: { 'Content-Type': 'application/json' },
    body: JSON.stringify(events),
  })
  expect(response.status).toBe(200)
  return (await response.json()) as RecordedEvent[]
}

/** largeWithdrawal returns a withdrawal that only rule 1100 fires on. */
export const largeWithdrawal = (user_id: number, amount = '7142.50', time = 1): EventInput => ({
  type: 'withdraw',
  amount,
  user_id,
  time,
})

/** raiseAlert records an event of a new user that triggers an alert. It uses the session of the page. */
export async function raiseAlert(page: Page, amount = '7142.50'): Promise<{ user: number; id: string }> {
  const user = newUserId()
  const { status, body } = await callApi(page, 'POST', '/api/v1/events', largeWithdrawal(user, amount))
  expect(status).toBe(201)
  return { user, id: body.alert_id }
}

/** raiseAlerts records rising deposits of one user, of which each from the third on triggers an alert of rule 300. */
export async function raiseAlerts(page: Page, count: number): Promise<{ user: number; ids: string[] }> {
  const user = newUserId()
  const deposits = Array.from({ length: count + 2 }, (_, i) => ({
    type: 'deposit',
    amount: `${i + 1}.00`,
    user_id: user,
    time: 1_650_000_000 + i * 100,
  }))
  const { status, body } = await callApi(page, 'POST', '/api/v1/events', deposits)
  expect(status).toBe(200)
  return { user, ids: (body as RecordedEvent[]).flatMap(({ alert_id }) => alert_id ?? []) }
}
