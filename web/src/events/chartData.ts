import type { Event } from './api'

// What the chart over the list of events shows.

export interface Running {
  /** Seconds since 1970, ascending. */
  at: number[]
  lines: number[][]
}

/** balances are what a user's events, the newest first, come to one after the other, in hundredths so that nothing is rounded; then each amount. */
export function balances(events: readonly Event[]): Running {
  const [at, sums, amounts]: [number[], number[], number[]] = [[], [], []]
  let sum = 0
  for (const { type, amount, effective_time } of events.toReversed()) {
    const hundredths = (type === 'deposit' ? 1 : -1) * Math.round(Number(amount) * 100)
    sum += hundredths
    at.push(effective_time)
    sums.push(sum / 100)
    amounts.push(hundredths / 100)
  }
  return { at, lines: [sums, amounts] }
}

const minute = 60
const minutes = 60 // that are shown

/** perMinute are how many events, the newest first, arrived in each of the 60 minutes up to the newest, and how many of them raised an alert. */
export function perMinute(events: readonly Event[]): Running {
  const newest = events[0]
  if (!newest) return { at: [], lines: [[], []] }
  const minuteOf = (event: Event) => Math.floor(Date.parse(event.created_at) / 1000 / minute) * minute
  const last = minuteOf(newest)
  const at = Array.from({ length: minutes }, (_, i) => last - (minutes - 1 - i) * minute)
  const [all, alerts] = [at.map(() => 0), at.map(() => 0)]
  for (const event of events) {
    const i = minutes - 1 - (last - minuteOf(event)) / minute
    if (i < 0) break
    all[i] = (all[i] ?? 0) + 1
    if (event.alert_id) alerts[i] = (alerts[i] ?? 0) + 1
  }
  return { at, lines: [all, alerts] }
}
