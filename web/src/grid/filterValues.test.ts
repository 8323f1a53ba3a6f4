import { expect, test } from 'vitest'

import { formatFilterValue } from './filterValues'

const options = [
  { value: 'open', label: 'Open' },
  { value: 'closed', label: 'Closed' },
]

test.each([
  ['choice', 'open', 'Open'],
  ['choice', 'open,closed', 'Open or Closed'],
  ['choice', 'other', 'other'],
  ['text', 'open', 'open'],
  ['date', 'nonsense', 'nonsense'],
  ['unixTime', 'nonsense', 'nonsense'],
] as const)('%s %s is shown as %s', (type, value, expected) =>
  expect(formatFilterValue(type, value, options)).toBe(expected))

test('a date is not shifted by the time zone', () =>
  expect(formatFilterValue('date', '2026-01-01', [])).toMatch(/2026/))
