import { expect, test } from 'vitest'

import { eventsAround } from './eventsAround'

/** eventsAt returns events with their times as IDs, newest first. */
const eventsAt = (...times: number[]) =>
  times.toSorted((a, b) => b - a).map((time) => ({ id: String(time), effective_time: time }))

test.each([
  ['a burst, and what happened shortly before', [0, 9_950, 10_000, 10_010, 10_020], ['10000', '10010', '10020'], 4],
  ['a long run with a margin of its length', [0, 9_000, 10_000, 11_000, 20_000], ['10000', '11000'], 3],
  ['the neighbours of a single event', [0, 10_000, 20_000], ['10000'], 3],
  ['the newest events if none is counted', [0, 10_000], [], 2],
])('eventsAround returns %s', (_, times, counted, count) =>
  expect(eventsAround(eventsAt(...times), new Set(counted))).toHaveLength(count))

test('a single event has at most ten neighbours on each side', () => {
  const events = eventsAt(...Array.from({ length: 50 }, (_, i) => i * 10_000))
  expect(eventsAround(events, new Set(['250000']))).toHaveLength(21)
})
