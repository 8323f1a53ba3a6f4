import { expect, test, vi } from 'vitest'

import type { Rule } from './api'
import { formatLimit } from './formatLimit'
import { dailySeries } from './replayChart'
import { limitsByRisk } from './limitsByRisk'
import { changedSettings, isComplete, previewedChanges, toFormValues } from './ruleSettings'

vi.stubGlobal('location', new URL('http://lab:5000/app/'))
const { describeChanges, describeRule } = await import('./describeRule')

const rule: Rule = {
  code: 123,
  title: 'Sum',
  applies_to: 'deposit',
  limit: '200.00',
  window_seconds: 30,
  enabled: true,
  severity: 'warning' as const,
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
  [{ window_seconds: '1 min' }, { window_seconds: '1 min' }],
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

test('dailySeries stacks new on unchanged alerts and shows removed ones below zero', () => {
  const { timestamps, series } = dailySeries({ by_day: [{ day: 86_400, added: 2, removed: 3, unchanged: 5 }] })
  expect(timestamps).toEqual([86_400])
  expect(series.map(({ label, values, plottedValues }) => [label, values[0], (plottedValues ?? values)[0]])).toEqual([
    ['New', 2, 7],
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

test('previewedChanges leaves out settings that raise no other alerts', () => {
  expect(previewedChanges({ title: 'Other', severity: 'info' })).toBe(undefined)
  expect(previewedChanges({ title: 'Other', limit: '5' })).toEqual({ limit: '5' })
})

test.each([
  [{ enabled: false }, true],
  [{ limit: '5', window_seconds: 0 }, true],
  [{ limit: '' }, false],
  [{ window_seconds: null }, false],
])('isComplete with %j returns %j', (changes, expected) => expect(isComplete(changes)).toBe(expected))

// The cases of TestLimitFor in internal/rules.
test.each([
  [1100, '100.00', { low: '200.00', medium: '100.00', high: '51.00' }],
  [1100, '200', { low: '400.00', medium: '200.00', high: '101.00' }],
  [30, '3', { low: '6', medium: '3', high: '2' }],
  [500, '5.00', { low: '10', medium: '5', high: '3' }],
  [1100, '150.50', { low: '301.00', medium: '150.50', high: '76.00' }],
  [1100, '151.99', { low: '303.98', medium: '151.99', high: '76.00' }],
  [1100, '152', { low: '304.00', medium: '152.00', high: '77.00' }],
  [123, '0.01', { low: '0.02', medium: '0.01', high: '1.00' }],
  [123, '0', { low: '0.00', medium: '0.00', high: '1.00' }],
  [123, '9999999999.99', { low: '19999999999.98', medium: '9999999999.99', high: '5000000000.00' }],
  [123, ' 7 ', { low: '14.00', medium: '7.00', high: '4.00' }],
  [123, '', undefined],
  [123, '1e3', undefined],
  [123, '-5', undefined],
  [123, '1.234', undefined],
])('limitsByRisk of rule %i, %j: %j', (code, limit, expected) => expect(limitsByRisk(code, limit)).toEqual(expected))

test.each<[Partial<Rule>, string]>([
  [{}, 'Raises an alert if the deposits of a person within 30 seconds add up to more than 200.00 (medium risk).'],
  [
    { code: 30, applies_to: 'withdraw', limit: '3.00' },
    'Raises an alert for 3 or more withdrawals of a person in a row (medium risk).',
  ],
  [
    { code: 500, applies_to: 'any', limit: '5.00', window_seconds: 60 },
    'Raises an alert for more than 5 events of a person within 60 seconds (medium risk).',
  ],
  [{ code: 1100, applies_to: 'withdraw' }, 'Raises an alert for a single withdrawal of more than 200.00 (medium risk).'],
])('describeRule with %j returns %j', (fields, sentence) => expect(describeRule({ ...rule, ...fields })).toBe(sentence))

test('describeChanges shows values as the form does', () =>
  expect(describeChanges(rule, { enabled: false, limit: '250', applies_to: 'any', severity: 'critical' })).toBe(
    'Limit (medium risk): 200.00 → 250.00, Applies to: Deposits → All events, Severity: Warning → Critical, Enabled: Yes → No',
  ))
