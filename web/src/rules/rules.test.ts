import { expect, test } from 'vitest'

import type { Rule } from './api'
import { daily } from './replayChart'
import { limitOf } from './formatLimit'
import { changesOf, settingsOf } from './ruleSettings'

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
])('changesOf %j: %j', (given, want) => expect(changesOf(rule, { ...settingsOf(rule.code, rule), ...given })).toEqual(want))

test('a rule without a window gets none', () => {
  const run: Rule = { ...rule, code: 30, window_seconds: null }
  expect(changesOf(run, settingsOf(run.code, run))).toEqual({})
})

test('daily stacks what is added on what stays, and hangs what is removed', () => {
  const { at, series } = daily({ by_day: [{ day: 86_400, added: 2, removed: 3, unchanged: 5 }] })
  expect(at).toEqual([86_400])
  expect(series.map(({ label, values, drawn }) => [label, values[0], (drawn ?? values)[0]])).toEqual([
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
])('the limit of %i, %s, is read as %s', (code, limit, text) => expect(limitOf(code, limit)).toBe(text))
