import { expect, test } from 'vitest'

import { createSheet } from '../editableGrid/sheet'
import { fillPositions } from './fillPositions'

const texts = (sheet: ReturnType<typeof createSheet>) => sheet.rows.map(({ cells }) => [cells[0] ?? '', cells[1] ?? ''])

test('rows with a text and no position get the free positions in order', () => {
  const sheet = createSheet(2, [['a'], ['b', 'a2'], [], ['c'], ['d']], 100)
  const filled = fillPositions(sheet, 1, ['A1', 'A2', 'A3'])
  expect(texts(filled)).toEqual([
    ['a', 'A1'],
    ['b', 'a2'],
    ['', ''],
    ['c', 'A3'],
    ['d', ''],
  ])
  expect(filled.notice).toBe('Filled 2 positions')
  expect(filled.past).toHaveLength(1)
})

test('an empty sheet gets a row for each free position', () => {
  const filled = fillPositions(createSheet(2, [[], []], 100), 1, ['A1', 'A2', 'A3'])
  expect(texts(filled)).toEqual([
    ['', 'A1'],
    ['', 'A2'],
    ['', 'A3'],
  ])
  expect(fillPositions(createSheet(2, [['a']], 100), 1, []).notice).toBe('No position to fill')
})
