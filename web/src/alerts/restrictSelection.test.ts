import { expect, test } from 'vitest'

import type { Selection } from '../grid/selection'
import type { Alert } from './api'
import { restrictSelection } from './restrictSelection'

const rows = [{ id: 'a' }, { id: 'b' }] as Alert[]
const allMatching = (params: Selection<Alert>['params']): Selection<Alert> => ({ rows, count: 70, isAllMatching: true, params })

test('chosen alerts are selected by their IDs', () => {
  const selection = { ...allMatching({}), isAllMatching: false, count: 2 }
  expect(restrictSelection(selection, 'close', rows.slice(1))).toMatchObject({ count: 1, params: { id__in: 'b' } })
})

test('closing all matching alerts leaves out closed ones, whatever the filters are', () => {
  expect(restrictSelection(allMatching({ user_id: '5' }), 'falsePositive', rows).params).toEqual({
    user_id: '5',
    state__not: ['closed'],
  })
  expect(restrictSelection(allMatching({ state__not: 'open' }), 'close', rows).params).toEqual({
    state__not: ['open', 'closed'],
  })
})

test('changing the outcome of all matching alerts closes none', () => {
  expect(restrictSelection(allMatching({ severity: 'info' }), 'changeOutcome', rows).params).toEqual({
    severity: 'info',
    state: 'closed',
  })
})

test.each(['assign', 'assignToMe', 'wake'] as const)('%s applies to alerts in every state', (action) => {
  expect(restrictSelection(allMatching({ user_id: '5' }), action, rows).params).toEqual({ user_id: '5' })
})
