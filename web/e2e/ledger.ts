import { expect, type Page } from './fixtures'
import type { Server } from './server'

// What journeys of events, alerts and rules have in common.

export interface EventInput {
  type: 'deposit' | 'withdraw'
  amount: string
  user_id: number
  time: number
}

export interface RecordedEvent {
  event_id: string
  alert_id: string | null
  alert_codes: number[]
}

let lastUserId = 0

/** newUserId is a user whom no other journey has. */
export function newUserId(): number {
  lastUserId = Math.max(lastUserId + 1, 1000 + (Date.now() % 1e8) * 10)
  return lastUserId
}

/** recordEvents records events on a server that is open to all, as a program would. */
export async function recordEvents(server: Server, events: EventInput[]): Promise<RecordedEvent[]> {
  const response = await fetch(`${server.url}/api/v1/events`, { method: 'POST', headers: { 'Content-Type': 'application/json' }, body: JSON.stringify(events) })
  expect(response.status).toBe(200)
  return (await response.json()) as RecordedEvent[]
}

/** largeWithdrawal is a withdrawal that raises an alert by rule 1100 alone. */
export const largeWithdrawal = (user_id: number, amount = '7142.50', time = 1): EventInput => ({ type: 'withdraw', amount, user_id, time })

/** markPage lets one see later that the page was not loaded anew. */
export async function markPage(page: Page) {
  await page.evaluate(() => Object.assign(globalThis, { marked: true }))
}

export async function expectNotReloaded(page: Page) {
  expect(await page.evaluate(() => 'marked' in globalThis), 'the page was loaded anew').toBe(true)
}
