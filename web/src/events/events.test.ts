import { describe, expect, test } from 'vitest'

import type { Event } from './api'
import { balanceSeries, eventsPerMinute } from './chartData'
import { matchesFilters, mergeEvents, splitAtNewest } from './eventFeed'

const makeEvent = (id: string, fields: Partial<Event> = {}) =>
  ({
    id,
    type: 'deposit',
    amount: '1.00',
    user_id: 1,
    time: 100,
    effective_time: 100,
    alert_codes: [],
    alert_id: null,
    void_id: null,
    created_at: '2026-11-22T08:00:30Z',
    ...fields,
  }) as unknown as Event
const joinIds = (events: Event[]) => events.map(({ id }) => id).join('')

describe('mergeEvents', () => {
  const fetched = ['f', 'd', 'b'].map((id) => makeEvent(id))
  test.each([
    ['returns the fetched events if nothing arrived', [], 'fdb'],
    ['sorts new events and removes duplicates', ['h', 'g', 'h'], 'hgfdb'],
    ['removes events that were already fetched', ['f', 'g', 'b'], 'gfdb'],
    ['inserts late commits at their position', ['c', 'e', 'a'], 'fedcba'],
  ])('%s', (_, arrived, expected) => {
    expect(
      joinIds(
        mergeEvents(
          fetched,
          arrived.map((id) => makeEvent(id)),
        ),
      ),
    ).toBe(expected)
  })
  test('merges into an empty list', () => expect(joinIds(mergeEvents([], [makeEvent('a'), makeEvent('b')]))).toBe('ba'))
})

test('splitAtNewest counts the events that arrived since', () => {
  const all = ['d', 'c', 'b', 'a'].map((id) => makeEvent(id))
  expect(splitAtNewest(all, undefined)).toEqual({ visible: all, waitingCount: 0 })
  expect(splitAtNewest(all, 'd').waitingCount).toBe(0)
  const { visible, waitingCount } = splitAtNewest(all, 'b')
  expect([joinIds(visible), waitingCount]).toEqual(['ba', 2])
  // The events up to that ID are no longer loaded.
  expect(splitAtNewest(all, '0')).toEqual({ visible: all, waitingCount: 0 })
})

test.each([
  [{}, true],
  [{ user_id: '1' }, true],
  [{ user_id: '2' }, false],
  [{ type: 'withdraw' }, false],
  [{ alert_codes: '30' }, true],
  [{ alert_codes: '3' }, false],
  [{ time__gte: '100', time__lt: '101' }, true],
  [{ time__gte: '101' }, false],
  [{ time__lt: '100' }, false],
  [{ void_id__empty: 'true' }, true],
  [{ void_id__empty: 'false' }, false],
])('matchesFilters %j: %s', (filters, expected) =>
  expect(matchesFilters(makeEvent('a', { alert_codes: [30, 500] }), filters)).toBe(expected),
)

test('matchesFilters finds voided events', () => {
  const voided = makeEvent('a', { void_id: 'b' })
  expect(matchesFilters(voided, { void_id__empty: 'false' })).toBe(true)
  expect(matchesFilters(voided, { void_id__empty: 'true' })).toBe(false)
})

test('balanceSeries is exact and ordered oldest first', () => {
  const amounts: ['deposit' | 'withdraw', string][] = [
    ['withdraw', '0.30'],
    ['deposit', '0.20'],
    ['deposit', '0.10'],
  ]
  const { timestamps, values } = balanceSeries(
    amounts.map(([type, amount], i) => makeEvent('a', { type, amount, effective_time: 10 - i })),
  )
  expect(timestamps).toEqual([8, 9, 10])
  expect(values).toEqual([
    [0.1, 0.3, 0],
    [0.1, 0.2, -0.3],
  ])
})

test('eventsPerMinute counts the events of the last hour', () => {
  const makeEventAt = (time: string, alert_id: string | null = null) =>
    makeEvent('a', { created_at: `2026-11-22T${time}Z`, alert_id })
  const { timestamps: minutes, values } = eventsPerMinute([
    makeEventAt('08:00:59'),
    makeEventAt('08:00:00', 'x'),
    makeEventAt('07:59:59'),
    makeEventAt('07:01:00'),
    makeEventAt('07:00:59'),
  ])
  expect(minutes.length).toBe(60)
  expect(minutes.at(-1)).toBe(Date.parse('2026-11-22T08:00:00Z') / 1000)
  expect(values[0]?.slice(-2)).toEqual([1, 2])
  expect(values[0]?.[0]).toBe(1)
  expect(values[0]?.reduce((sum, n) => sum + n)).toBe(4)
  expect(values[1]?.reduce((sum, n) => sum + n)).toBe(1)
  expect(eventsPerMinute([]).timestamps).toEqual([])
})

test.each([
  [{ amount__gt: '9.5' }, true], // as numbers, not as texts
  [{ amount__gte: '20', amount__lte: '20' }, true],
  [{ amount__lt: '20' }, false],
  [{ type__in: 'deposit,withdraw' }, true],
  [{ type__not: 'deposit' }, false],
  [{ created_at__gte: '2026-11-01T00:00:00Z' }, true],
  [{ created_at__lt: '2026-11-01T01:00:00+01:00' }, false],
])('matchesFilters %j of an event of 20.00: %s', (filters, expected) =>
  expect(matchesFilters(makeEvent('a', { amount: '20.00', created_at: '2026-11-01T00:00:00Z' }), filters)).toBe(expected),
)
