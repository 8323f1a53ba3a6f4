import { expect, test, vi } from 'vitest'

vi.stubGlobal('location', new URL('http://lab:5000/app/todos'))
const { adjacentStatus, boardColumn } = await import('./boardColumns')
const { dueBefore, isOverdue } = await import('./dueDates')

test.each([
  ['open', -1, undefined],
  ['open', 1, 'doing'],
  ['doing', 1, 'done'],
  ['done', 1, undefined],
  ['done', -1, 'doing'],
  ['blocked', -1, 'done'],
  ['blocked', 1, undefined],
] as const)('the status next to %s in direction %i is %s', (status, step, expected) =>
  expect(adjacentStatus({ status }, step)).toBe(expected))

test.each([
  ['open', 'open'],
  ['Open', 'other'],
  ['', 'other'],
])('status %j is in column %s', (status, column) => expect(boardColumn({ status })).toBe(column))

const lastOfYear = new Date(2026, 11, 31, 23, 59)

test.each([
  ['late', '2026-12-31'],
  ['today', '2027-01-01'],
  ['week', '2027-01-07'],
  ['never', undefined],
  ['constructor', undefined],
  [undefined, undefined],
])('filter due=%s means before %s', (due, expected) => expect(dueBefore(due, lastOfYear)).toBe(expected))

test.each([
  ['2026-12-30', 'open', true],
  ['2026-12-30', 'done', false],
  ['2026-12-31', 'open', false],
  [null, 'open', false],
])('due on %s with status %s: overdue is %s', (due_on, status, expected) =>
  expect(isOverdue({ due_on, status }, lastOfYear)).toBe(expected))
