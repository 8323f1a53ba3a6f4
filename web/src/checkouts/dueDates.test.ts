import { expect, test } from 'vitest'

import { describeDue, dueChoices } from './dueDates'

test.each([
  [new Date(2026, 10, 30), ['2026-11-30', '2026-12-07', '2026-12-30']],
  [new Date(2027, 0, 31, 23, 59), ['2027-01-31', '2027-02-07', '2027-02-28']], // February is shorter
  [new Date(2027, 11, 31), ['2027-12-31', '2028-01-07', '2028-01-31']],
])('the choices on %s are %j', (now, days) => expect(dueChoices(now).map(({ day }) => day)).toEqual(days))

test.each([
  ['2026-11-30', 'today'],
  ['2026-12-01', 'tomorrow'],
  ['2026-12-07', 'in 7 days'],
  ['2026-11-29', '1 day overdue'],
  ['2023-11-30', '1,096 days overdue'],
])('a check-out due on %s is due %s', (day, text) =>
  expect(describeDue(day, new Date(2026, 10, 30, 23, 30))).toBe(text),
)
