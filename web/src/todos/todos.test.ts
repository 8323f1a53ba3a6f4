import { expect, test, vi } from 'vitest'

vi.stubGlobal('location', new URL('http://lab:5000/app/todos'))
const { adjacentStatus, boardColumn, newestDone } = await import('./boardColumns')
const { isOverdue } = await import('./isOverdue')

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

test('the column of done todos shows the moved ones first, then the newest, 20 at most', () => {
  const todos = Array.from({ length: 30 }, (_, i) => ({ id: i + 1 }))
  const ids = newestDone(todos, new Set([3, 7])).map(({ id }) => id)
  expect(ids).toHaveLength(20)
  expect(ids.slice(0, 4)).toEqual([7, 3, 30, 29])
})

const lastOfYear = new Date(2026, 11, 31, 23, 59)

test.each([
  ['2026-12-30', 'open', true],
  ['2026-12-30', 'done', false],
  ['2026-12-31', 'open', false],
  [null, 'open', false],
])('due on %s with status %s: overdue is %s', (due_on, status, expected) =>
  expect(isOverdue({ due_on, status }, lastOfYear)).toBe(expected))
