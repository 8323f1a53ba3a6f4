import { expect, test, vi } from 'vitest'

import type { Changeset } from './api'
import { formatDayHeading, groupByDay } from './groupByDay'
import { isConnected, mergeNewest } from './mergeNewest'
import { parseConflict } from './parseConflict'
import { periodDays, periodParams } from './periods'
import { describeUndo, undoVerb } from './undoText'

vi.stubGlobal('location', new URL('http://lab:5000/app/'))
const { toHeaderValue } = await import('./api')

const now = new Date(2026, 10, 30, 9, 30) // a Monday, local time
const localTime = (...parts: [number, number, number, number, number]) => new Date(...parts).toISOString()
const set = (id: number, changes: Partial<Changeset> = {}) => ({ id, undone_by_id: null, ...changes }) as Changeset

test('groupByDay groups by local day, in the order of the rows', () => {
  const rows = [
    { at: localTime(2026, 10, 30, 0, 0) },
    { at: localTime(2026, 10, 29, 23, 59) },
    { at: localTime(2026, 10, 29, 0, 0) },
    { at: localTime(2026, 10, 1, 12, 0) },
  ]
  expect(groupByDay(rows).map(({ day, rows }) => [day, rows.length])).toEqual([
    ['2026-11-30', 1],
    ['2026-11-29', 2],
    ['2026-11-01', 1],
  ])
  expect(groupByDay([])).toEqual([])
})

test('formatDayHeading names today and yesterday', () => {
  expect(formatDayHeading('2026-11-30', now)).toMatch(/^Today, .*30/)
  expect(formatDayHeading('2026-11-29', now)).toMatch(/^Yesterday, .*29/)
  expect(formatDayHeading('2026-11-28', now)).not.toMatch(/day, .*day/)
})

test('periodDays returns the days of the presets', () => {
  expect(periodDays({ period: 'today' }, now)).toEqual({ from: '2026-11-30', to: '' })
  expect(periodDays({ period: 'yesterday' }, now)).toEqual({ from: '2026-11-29', to: '2026-11-29' })
  expect(periodDays({ period: 'week' }, now)).toEqual({ from: '2026-11-24', to: '' })
  expect(periodDays({ period: 'month' }, now)).toEqual({ from: '2026-11-01', to: '' })
  expect(periodDays({ from: '2026-01-02' }, now)).toEqual({ from: '2026-01-02', to: '' })
})

test('periodParams returns local midnights, and includes the last day', () => {
  expect(periodParams({ period: 'yesterday' }, now)).toEqual({
    from: localTime(2026, 10, 29, 0, 0),
    to: localTime(2026, 10, 30, 0, 0),
  })
  expect(periodParams({}, now)).toEqual({})
  expect(periodParams({ from: 'soon', to: '2026-99-99' }, now)).toEqual({})
})

test('mergeNewest adds new change sets and updates loaded ones', () => {
  const loaded = [set(3), set(2), set(1)]
  const newest = [set(4), set(3, { undone_by_id: 4 })]
  expect(isConnected(newest, loaded)).toBe(true)
  expect(mergeNewest(newest, loaded)).toEqual([set(4), set(3, { undone_by_id: 4 }), set(2), set(1)])
  expect(isConnected([set(99), set(98)], loaded)).toBe(false)
  expect(isConnected([set(1)], [])).toBe(true)
})

test('parseConflict reads the row, the person and the change set', () => {
  expect(
    parseConflict({
      field: 'container 0190-a',
      message: 'Box 12 was changed by jane on 2026-11-27 at 14:02 UTC, in change set 77',
    }),
  ).toMatchObject({
    table: 'container',
    key: '0190-a',
    since: { name: 'Box 12', actor: 'jane', at: '2026-11-27T14:02:00Z', changesetId: '77' },
  })
  expect(parseConflict({ field: 'stock-take 4', message: 'Box 12 would be changed or deleted, too' })).toEqual({
    table: 'stocktake',
    key: '4',
    text: 'Box 12 would be changed or deleted, too',
  })
  expect(parseConflict({ field: '2 passwords', message: 'Passwords cannot be restored.' })).toMatchObject({
    table: undefined,
    key: undefined,
  })
})

test('an undo is undone by Redo', () => {
  expect(undoVerb({ summary: 'created site A' })).toBe('Undo')
  expect(undoVerb({ summary: 'undid: created site A' })).toBe('Redo')
  expect(undoVerb({ summary: 'redid: created site A' })).toBe('Undo')
  expect(describeUndo({ summary: 'undid: created site A' })).toBe('Undone: created site A')
  expect(describeUndo({ summary: 'redid: created site A' })).toBe('Redone: created site A')
})

test('a header has the UTF-8 bytes of a text', () => {
  expect(toHeaderValue('Kühl ’')).toBe('K\u00c3\u00bchl \u00e2\u0080\u0099')
})
