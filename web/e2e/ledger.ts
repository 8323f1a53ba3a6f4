import { expect } from './fixtures'
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
