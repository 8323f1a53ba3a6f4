import { expect, test } from 'vitest'

import type { Rule } from './api'
import { formatLimit } from './formatLimit'
import { dailySeries } from './replayChart'
import { changedSettings, toFormValues } from './ruleSettings'

const rule: Rule = { code: 123, title: 'Sum', applies_to: 'deposit', limit: '200.00', window_seconds: 30, enabled: true, version: 1 }

test.each([
  [{}, {}],
  [{ limit: ' 200 ' }, {}],
  [{ limit: '250' }, { limit: '250' }],
  [{ limit: '' }, { limit: '' }],
  [{ limit: 'x' }, { limit: 'x' }],
  [{ window_seconds: '60' }, { window_seconds: 60 }],
  [{ window_seconds: '' }, { window_seconds: null }],
  [{ enabled: false, title: 'Other' }, { enabled: false, title: 'Other' }],
])('changedSettings with %j: %j', (fields, expected) => expect(changedSettings(rule, { ...toFormValues(rule.code, rule), ...fields })).toEqual(expected))

test('a rule without a window keeps it unset', () => {
  const runRule: Rule = { ...rule, code: 30, window_seconds: null }
  expect(changedSettings(runRule, toFormValues(runRule.code, runRule))).toEqual({})
})

test('dailySeries stacks added on unchanged and plots removed below zero', () => {
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
])('the limit of rule %i, %s, is formatted as %s', (code, limit, text) => expect(formatLimit(code, limit)).toBe(text))
