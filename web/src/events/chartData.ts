import type { Event } from './api'

// Data series for the chart above the list of events.

export interface ChartData {
  /** Unix time in seconds, ascending. */
  timestamps: number[]
  values: number[][]
}

/**
 * balanceSeries returns the running balance of a user and the signed amount of each event. Events are passed newest
 * first. The sum is computed in hundredths to avoid rounding errors.
 */
export function balanceSeries(events: readonly Event[]): ChartData {
  const [timestamps, balancesSoFar, amounts]: [number[], number[], number[]] = [[], [], []]
  let sum = 0
  for (const { type, amount, effective_time } of events.toReversed()) {
    const cents = (type === 'deposit' ? 1 : -1) * Math.round(Number(amount) * 100)
    sum += cents
    timestamps.push(effective_time)
    balancesSoFar.push(sum / 100)
    amounts.push(cents / 100)
  }
  return { timestamps, values: [balancesSoFar, amounts] }
}

export const secondsPerMinute = 60
const minuteCount = 60 // minutes in the chart

/**
 * eventsPerMinute counts the events received in each of the 60 minutes up to the newest event, and those among them
 * with an alert. Events are passed newest first.
 */
export function eventsPerMinute(events: readonly Event[]): ChartData {
  const newest = events[0]
  if (!newest) return { timestamps: [], values: [[], []] }
  const toMinute = (event: Event) =>
    Math.floor(Date.parse(event.created_at) / 1000 / secondsPerMinute) * secondsPerMinute
  const lastMinute = toMinute(newest)
  const timestamps = Array.from(
    { length: minuteCount },
    (_, index) => lastMinute - (minuteCount - 1 - index) * secondsPerMinute,
  )
  const [eventCounts, alertCounts] = [timestamps.map(() => 0), timestamps.map(() => 0)]
  for (const event of events) {
    const index = minuteCount - 1 - (lastMinute - toMinute(event)) / secondsPerMinute
    if (index < 0) break
    eventCounts[index] = (eventCounts[index] ?? 0) + 1
    if (event.alert_id) alertCounts[index] = (alertCounts[index] ?? 0) + 1
  }
  return { timestamps, values: [eventCounts, alertCounts] }
}
