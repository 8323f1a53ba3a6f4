import { describe, expect, test, vi } from 'vitest'

import { diffChange } from '../changes/diffChange'
import { diffFields } from './diffFields'
import { changedFields, emptyToNull } from './form'
import { formatAxisTicks } from './formatAxisTicks'
import { formatBytes } from './formatBytes'
import { formatValue } from './formatValue'
import { currentTime, formatTimeAgo } from './TimeAgo'

describe('forms', () => {
  test('changedFields returns only the fields that differ', () => {
    expect(
      changedFields({ name: 'a', country: null as string | null, version: 3 }, { name: 'a', country: 'UK' }),
    ).toEqual({ country: 'UK' })
    expect(changedFields({ name: 'a', country: 'UK' as string | null }, { name: 'a', country: null })).toEqual({
      country: null,
    })
    expect(changedFields({ name: 'a' }, { name: 'a' })).toEqual({})
  })
  test.each([
    ['', null],
    ['  ', null],
    [' a ', ' a '],
    ['0', '0'],
  ])('emptyToNull(%j) is %j', (text, value) => expect(emptyToNull(text)).toBe(value))
})

test('diffChange lists the fields that differ, without the version and those that have no value', () => {
  const change = {
    before: { id: 1, name: 'a', tags: [1], version: 1 },
    after: { id: 1, name: 'b', tags: [1], extra: null, version: 2 },
  }
  expect(diffChange(change as never).map(({ field }) => field)).toEqual(['name'])
  expect(diffChange({ before: null, after: { id: 1 } } as never)).toEqual([
    { field: 'id', before: undefined, after: 1 },
  ])
})

test.each([
  [null, '–'],
  ['', '–'],
  [0, '0'],
  [false, 'false'],
  [['a'], '["a"]'],
])('formatValue(%j) is %s', (value, text) => expect(formatValue(value)).toBe(text))

test.each([
  [0, 'just now'],
  [59, 'just now'],
  [60, '1 minute ago'],
  [3 * 3600 + 59, '3 hours ago'],
  [86_400, 'yesterday'],
  [-7200, 'in 2 hours'],
])('formatTimeAgo formats %i seconds as %s', (seconds, text) =>
  expect(formatTimeAgo(new Date(1e12 - seconds * 1000), 1e12)).toBe(text),
)

test('currentTime advances in steps, even without subscribers', () => {
  vi.useFakeTimers({ now: 1e12 })
  const first = currentTime()
  vi.setSystemTime(1e12 + 29_000)
  expect(currentTime()).toBe(first)
  vi.setSystemTime(1e12 + 3_600_000)
  expect(currentTime()).toBe(1e12 + 3_600_000)
  vi.useRealTimers()
})

test.each([
  [0, '0 B'],
  [1023, '1023 B'],
  [1536, '1.5 KiB'],
  [20 * 1024 * 1024, '20.0 MiB'],
])('formatBytes(%i) is %s', (size, text) => expect(formatBytes(size)).toBe(text))

test('diffFields reports a conflict only for fields changed to different values on both sides', () => {
  const base = { name: 'a', contact: 'b', country: 'c', address: 'd' }
  const remote = { name: 'a', contact: 'B', country: 'C', address: 'D' }
  const local = { name: 'A', contact: 'β', country: 'C' }
  expect(diffFields({ base, local, remote }, ['name', 'contact', 'country', 'address'])).toEqual({
    conflicting: ['contact'],
    localOnly: ['name'],
    remoteOnly: ['address'],
  })
})

describe('formatAxisTicks', () => {
  const toTimestamps = (...moments: string[]) => moments.map((moment) => new Date(moment).getTime() / 1000)
  test('labels days, and the year where it changes', () => {
    const labels = formatAxisTicks(toTimestamps('2025-12-30T12:00', '2025-12-31T12:00', '2026-01-01T12:00'), 86_400)
    expect(labels.map((label) => label.split('\n')[1])).toEqual(['2025', undefined, '2026'])
    expect(new Set(labels.map((label) => label.split('\n')[0])).size).toBe(3)
  })
  test('labels times with seconds only when needed', () => {
    expect(formatAxisTicks(toTimestamps('2026-03-01T09:05', '2026-03-01T09:06'), 60)).toEqual([
      expect.stringMatching(/^09:05.*\n.*1/),
      expect.stringMatching(/^09:06[^\n]*$/),
    ])
    expect(formatAxisTicks(toTimestamps('2026-03-01T09:05:07'), 1)[0]).toMatch(/^09:05:07/)
  })
  test('labels days in UTC when the time zone is UTC', () =>
    expect(formatAxisTicks([Date.UTC(2026, 2, 1) / 1000], 86_400, 'UTC')[0]).toMatch(/^(1 Mar|Mar 1)\n2026$/))
  test('labels years when the ticks are years apart', () =>
    expect(formatAxisTicks(toTimestamps('1970-06-01', '2026-06-01'), 20 * 365 * 86_400)).toEqual(['1970', '2026']))
})
