import { expect, type Page } from './fixtures'
import type { Server } from './server'

// What journeys of events, alerts and rules have in common.

export interface Given {
  type: 'deposit' | 'withdraw'
  amount: string
  user_id: number
  time: number
}

export interface Recorded {
  event_id: string
  alert_id: string | null
  alert_codes: number[]
}

let lastUser = 0

/** freshUser is a user whom no other journey has. */
export function freshUser(): number {
  lastUser = Math.max(lastUser + 1, 1000 + (Date.now() % 1e8) * 10)
  return lastUser
}

/** record records events on a server that is open to all, as a program would. */
export async function record(server: Server, events: Given[]): Promise<Recorded[]> {
  const response = await fetch(`${server.url}/api/v1/events`, { method: 'POST', headers: { 'Content-Type': 'application/json' }, body: JSON.stringify(events) })
  expect(response.status).toBe(200)
  return (await response.json()) as Recorded[]
}

/** large is a withdrawal that raises an alert by rule 1100 alone. */
export const large = (user_id: number, amount = '7142.50', time = 1): Given => ({ type: 'withdraw', amount, user_id, time })

/** mark lets one see later that the page was not loaded anew. */
export async function mark(page: Page) {
  await page.evaluate(() => Object.assign(globalThis, { marked: true }))
}

export async function expectMarked(page: Page) {
  expect(await page.evaluate(() => 'marked' in globalThis), 'the page was loaded anew').toBe(true)
}
