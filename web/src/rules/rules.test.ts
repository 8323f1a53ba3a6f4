import { expect, test } from 'vitest'

import type { Rule } from './api'
import { formatLimit } from './formatLimit'
import { dailySeries } from './replayChart'
import { changedSettings, toFormValues } from './ruleSettings'

const rule: Rule = {
  code: 123,
  title: 'Sum',
  applies_to: 'deposit',
  limit: '200.00',
  window_seconds: 30,
  enabled: true,
  version: 1,
}

test.each([
  [{}, {}],
  [{ limit: ' 200 ' }, {}],
  [{ limit: '250' }, { limit: '250' }],
  [{ limit: '' }, { limit: '' }],
  [{ limit: 'x' }, { limit: 'x' }],
  [{ window_seconds: '60' }, { window_seconds: 60 }],
  [{ window_seconds: '' }, { window_seconds: null }],
  [
    { enabled: false, title: 'Other' },
    { enabled: false, title: 'Other' },
  ],
])('changedSettings with %j returns %j', (fields, expected) =>
  expect(changedSettings(rule, { ...toFormValues(rule.code, rule), ...fields })).toEqual(expected),
)

test('changedSettings adds no window to a rule without one', () => {
  const countingRule: Rule = { ...rule, code: 30, window_seconds: null }
  expect(changedSettings(countingRule, toFormValues(countingRule.code, countingRule))).toEqual({})
})

test('dailySeries stacks added on unchanged alerts and shows removed ones below zero', () => {
  const { timestamps, series } = dailySeries({ by_day: [{ day: 86_400, added: 2, removed: 3, unchanged: 5 }] })
  expect(timestamps).toEqual([86_400])
  expect(series.map(({ label, values, plottedValues }) => [label, values[0], (plottedValues ?? values)[0]])).toEqual([
    ['Added', 2, 7],
    ['Unchanged', 5, 5],
    ['Removed', 3, -3],
  ])
})

test.each([
  [30, '3.00', '3'],
  [500, '10.00', '10'],
  [300, '2.50', '2.50'],
  [1100, '100.00', '100.00'],
])('formatLimit of rule %i, %s: %s', (code, limit, text) => expect(formatLimit(code, limit)).toBe(text))
