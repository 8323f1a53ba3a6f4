import { expect, test } from 'vitest'

import { explainReason, type Reason } from './explainReason'

const makeReason = (fields: Partial<Reason>): Reason => ({ code: 30, title: '', version: 1, applies_to: 'withdraw', limit: '3.00', limit_at_risk: '3.00', window_seconds: null, value: 3, event_ids: [], ...fields })

test.each<[Partial<Reason>, string]>([
  [{}, 'The last 3 withdrawals came in a row. At medium risk it is raised from 3 on.'],
  [{ applies_to: 'any', limit_at_risk: '1.00', value: 1 }, 'The last 1 event came in a row. At medium risk it is raised from 1 on.'],
  [{ code: 300, applies_to: 'deposit' }, 'The last 3 deposits rose one after the other. At medium risk it is raised from 3 on.'],
  [{ code: 123, applies_to: 'deposit', window_seconds: 30, limit_at_risk: '200.00', value: '200.01' }, 'The deposits of 30 seconds sum to 200.01. At medium risk it is raised above 200.00.'],
  [{ code: 500, applies_to: 'any', window_seconds: 60, limit_at_risk: '5.00', value: 6 }, 'There were 6 events within 60 seconds. At medium risk it is raised above 5.'],
  [{ code: 1100, limit_at_risk: '100.00', value: '100.01' }, 'This withdrawal is of 100.01. At medium risk it is raised above 100.00.'],
])('explainReason(%j)', (fields, expected) => expect(explainReason(makeReason(fields), 'medium')).toBe(expected))
