import { expect, test } from 'vitest'

import { explainReason, type Reason } from './explainReason'

const makeReason = (fields: Partial<Reason>): Reason => ({
  code: 30,
  title: '',
  version: 1,
  applies_to: 'withdraw',
  limit: '3.00',
  limit_at_risk: '3.00',
  window_seconds: null,
  value: 3,
  event_ids: [],
  ...fields,
})

test.each<[Partial<Reason>, string]>([
  [{}, '3 withdrawals in a row; the limit at medium risk is 3.'],
  [{ applies_to: 'any', limit_at_risk: '1.00', value: 1 }, '1 event in a row; the limit at medium risk is 1.'],
  [{ code: 300, applies_to: 'deposit' }, '3 rising deposits in a row; the limit at medium risk is 3.'],
  [
    { code: 123, applies_to: 'deposit', window_seconds: 30, limit_at_risk: '200.00', value: '200.01' },
    'Deposits within 30 seconds add up to 200.01; the limit at medium risk is 200.00.',
  ],
  [
    { code: 500, applies_to: 'any', window_seconds: 60, limit_at_risk: '5.00', value: 6 },
    '6 events within 60 seconds; the limit at medium risk is 5.',
  ],
  [
    { code: 1100, limit_at_risk: '100.00', value: '100.01' },
    'Withdrawal of 100.01; the limit at medium risk is 100.00.',
  ],
])('explainReason describes %j', (fields, expected) =>
  expect(explainReason(makeReason(fields), 'medium')).toBe(expected),
)
