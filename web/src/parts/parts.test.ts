import { describe, expect, test } from 'vitest'

import { differences } from '../changes/differences'
import { bytes } from './bytes'
import { clash } from './clash'
import { changed, nullable } from './form'
import { marks } from './marks'
import { shown } from './shown'
import { ago } from './TimeAgo'

describe('forms', () => {
  test('only what differs is sent', () => {
    expect(changed({ name: 'a', country: null as string | null, version: 3 }, { name: 'a', country: 'UK' })).toEqual({ country: 'UK' })
    expect(changed({ name: 'a', country: 'UK' as string | null }, { name: 'a', country: null })).toEqual({ country: null })
    expect(changed({ name: 'a' }, { name: 'a' })).toEqual({})
  })
  test.each([
    ['', null],
    ['  ', null],
    [' a ', ' a '],
    ['0', '0'],
  ])('%j becomes %j', (text, value) => expect(nullable(text)).toBe(value))
})

test('a change tells the fields that differ, and not its version', () => {
  const change = { before: { id: 1, name: 'a', tags: [1], version: 1 }, after: { id: 1, name: 'b', tags: [1], extra: null, version: 2 } }
  expect(differences(change as never).map(({ field }) => field)).toEqual(['name', 'extra'])
  expect(differences({ before: null, after: { id: 1 } } as never)).toEqual([{ field: 'id', before: undefined, after: 1 }])
})

test.each([
  [null, '–'],
  ['', '–'],
  [0, '0'],
  [false, 'false'],
  [['a'], '["a"]'],
])('%j is shown as %s', (value, text) => expect(shown(value)).toBe(text))

test.each([
  [0, 'just now'],
  [59, 'just now'],
  [60, '1 minute ago'],
  [3 * 3600 + 59, '3 hours ago'],
  [86_400, 'yesterday'],
  [-7200, 'in 2 hours'],
])('%i seconds are %s', (seconds, text) => expect(ago(new Date(1e12 - seconds * 1000), 1e12)).toBe(text))

test.each([
  [0, '0 B'],
  [1023, '1023 B'],
  [1536, '1.5 KiB'],
  [20 * 1024 * 1024, '20.0 MiB'],
])('%i is %s', (size, text) => expect(bytes(size)).toBe(text))

test('a conflict is of fields that both have changed, to different values', () => {
  const base = { name: 'a', contact: 'b', country: 'c', address: 'd' }
  const theirs = { name: 'a', contact: 'B', country: 'C', address: 'D' }
  const mine = { name: 'A', contact: 'β', country: 'C' }
  expect(clash({ base, mine, theirs }, ['name', 'contact', 'country', 'address'])).toEqual({ both: ['contact'], onlyMine: ['name'], onlyTheirs: ['address'] })
})

test('an axis tells times as the rest does, and the day where it is another one', () => {
  const noon = Date.UTC(2026, 10, 22, 12) / 1000
  const date = (at: number) => new Intl.DateTimeFormat(undefined, { dateStyle: 'medium' }).format(at * 1000)
  const clock = (at: number) => new Intl.DateTimeFormat(undefined, { timeStyle: 'short' }).format(at * 1000)
  const [first, second, later] = [noon, noon + 600, noon + 86_400]
  expect(marks([first, second, later], 600)).toEqual([`${clock(first)}\n${date(first)}`, clock(second), `${clock(later)}\n${date(later)}`])
  expect(marks([first, later], 86_400)).toEqual([date(first), date(later)])
})
