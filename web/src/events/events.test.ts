import { describe, expect, test } from 'vitest'

import type { Event } from './api'
import { below, matches, merged } from './eventFeed'
import { balances, perMinute } from './chartData'

const event = (id: string, given: Partial<Event> = {}) => ({ id, type: 'deposit', amount: '1.00', user_id: 1, time: 100, effective_time: 100, alert_codes: [], alert_id: null, created_at: '2026-11-22T08:00:30Z', ...given }) as unknown as Event
const ids = (events: Event[]) => events.map(({ id }) => id).join('')

describe('merged', () => {
  const read = ['f', 'd', 'b'].map((id) => event(id))
  test.each([
    ['nothing arrived', [], 'fdb'],
    ['in any order, each once', ['h', 'g', 'h'], 'hgfdb'],
    ['what was read, too', ['f', 'g', 'b'], 'gfdb'],
    ['what was committed late stands in its place', ['c', 'e', 'a'], 'fedcba'],
  ])('%s', (_, arrived, want) => {
    expect(
      ids(
        merged(
          read,
          arrived.map((id) => event(id)),
        ),
      ),
    ).toBe(want)
  })
  test('into nothing', () => expect(ids(merged([], [event('a'), event('b')]))).toBe('ba'))
})

test('below holds what came since', () => {
  const all = ['d', 'c', 'b', 'a'].map((id) => event(id))
  expect(below(all, undefined)).toEqual({ held: all, waiting: 0 })
  expect(below(all, 'd').waiting).toBe(0)
  const { held, waiting } = below(all, 'b')
  expect([ids(held), waiting]).toEqual(['ba', 2])
  expect(below(all, '0')).toEqual({ held: all, waiting: 0 }) // so many came that those held are gone
})

test.each([
  [{}, true],
  [{ user_id: '1' }, true],
  [{ user_id: '2' }, false],
  [{ type: 'withdraw' }, false],
  [{ code: '30' }, true],
  [{ code: '3' }, false],
  [{ from: '100', to: '101' }, true],
  [{ from: '101' }, false],
  [{ to: '100' }, false],
])('matches %j: %s', (filters, want) => expect(matches(event('a', { alert_codes: [30, 500] }), filters)).toBe(want))

test('balances are exact, the oldest first', () => {
  const amounts: ['deposit' | 'withdraw', string][] = [['withdraw', '0.30'], ['deposit', '0.20'], ['deposit', '0.10']]
  const { at, lines } = balances(amounts.map(([type, amount], i) => event('a', { type, amount, effective_time: 10 - i })))
  expect(at).toEqual([8, 9, 10])
  expect(lines).toEqual([
    [0.1, 0.3, 0],
    [0.1, 0.2, -0.3],
  ])
})

test('perMinute counts the last hour', () => {
  const at = (time: string, alert_id: string | null = null) => event('a', { created_at: `2026-11-22T${time}Z`, alert_id })
  const { at: minutes, lines } = perMinute([at('08:00:59'), at('08:00:00', 'x'), at('07:59:59'), at('07:01:00'), at('07:00:59')])
  expect(minutes.length).toBe(60)
  expect(minutes.at(-1)).toBe(Date.parse('2026-11-22T08:00:00Z') / 1000)
  expect(lines[0]?.slice(-2)).toEqual([1, 2])
  expect(lines[0]?.[0]).toBe(1)
  expect(lines[0]?.reduce((sum, n) => sum + n)).toBe(4)
  expect(lines[1]?.reduce((sum, n) => sum + n)).toBe(1)
  expect(perMinute([]).at).toEqual([])
})
