import { expect, test } from 'vitest'

import { asOfParam, isAsOfNoun, parseAsOf } from './asOf'
import { asOfPresets, formatAsOf, presetTime } from './asOfPresets'

const now = new Date('2026-03-31T14:00:00.123Z')

test('parseAsOf accepts times in the past only', () => {
  expect(parseAsOf('2026-03-01T14:00:00Z', now.getTime())).toBe('2026-03-01T14:00:00Z')
  expect(parseAsOf('2026-04-01T14:00:00Z', now.getTime())).toBeUndefined()
  expect(parseAsOf('yesterday', now.getTime())).toBeUndefined()
  expect(parseAsOf('', now.getTime())).toBeUndefined()
  expect(parseAsOf(undefined, now.getTime())).toBeUndefined()
})

test('presets are whole seconds before now', () => {
  expect(asOfPresets.map(({ unit }) => presetTime(unit, now))).toEqual([
    '2026-03-31T13:00:00Z',
    '2026-03-30T14:00:00Z',
    '2026-03-24T14:00:00Z',
    '2026-02-28T14:00:00Z',
  ])
  expect(formatAsOf(now)).toBe('2026-03-31T14:00:00Z')
})

test('only some lists have a past', () => {
  expect(isAsOfNoun('containers')).toBe(true)
  expect(isAsOfNoun('todos')).toBe(false)
  expect(asOfParam(undefined)).toEqual({})
  expect(asOfParam('2026-03-01T14:00:00Z')).toEqual({ as_of: '2026-03-01T14:00:00Z' })
})
