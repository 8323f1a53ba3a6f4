import { expect, test } from 'vitest'

import { daysUntil, localDay } from './localDay'

test.each([
  [{}, '2026-12-31'],
  [{ days: 1 }, '2027-01-01'],
  [{ days: 7 }, '2027-01-07'],
  [{ months: 1 }, '2027-01-31'],
  [{ months: 2 }, '2027-02-28'], // February is shorter
])('%j after the last day of 2026 is %s', (distance, day) =>
  expect(localDay(distance, new Date(2026, 11, 31, 23, 59))).toBe(day))

test.each([
  ['2026-11-30', 0],
  ['2026-12-07', 7],
  ['2026-11-29', -1],
  ['2027-07-01', 213], // after a change to summer time
  ['2023-11-30', -1096],
])('from the evening of 2026-11-30, %s is %i days away', (day, days) =>
  expect(daysUntil(day, new Date(2026, 10, 30, 23, 30))).toBe(days))
