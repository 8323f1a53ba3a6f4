import { expect, test } from 'vitest'

import { groupByRow, locateErrors, mergeErrors } from './cellErrors'
import { locateServerErrors } from './serverErrors'
import { createSheet, removeRows, selectCell, undo, writeBlock } from './sheet'

const sheet = createSheet(2, [['a', 'b'], ['c', 'd']], 10)
const [first, second] = sheet.rows as [(typeof sheet.rows)[0], (typeof sheet.rows)[0]]
const errors = [
  { row: second, column: 1, message: 'wrong' },
  { row: second, column: undefined, message: 'incomplete' },
  { row: first, column: 0, message: 'missing' },
]
const messages = (rows: typeof sheet.rows) =>
  locateErrors(rows, groupByRow(errors)).map(({ error, position }) => `${position.row} ${error.message}`)

test('errors are in the order of the cells', () => {
  expect(messages(sheet.rows)).toEqual(['0 missing', '1 incomplete', '1 wrong'])
})

test('an error holds as long as its cell has the same text', () => {
  const changed = writeBlock(sheet, { row: 1, column: 0 }, [['x']])
  expect(messages(changed.rows)).toEqual(['0 missing', '1 wrong'])
  expect(messages(undo(changed).rows)).toEqual(messages(sheet.rows))
})

test('errors follow their rows', () => {
  expect(messages(removeRows(selectCell(sheet, { row: 0, column: 0 })).rows)).toEqual(['0 incomplete', '0 wrong'])
})

test('the first list of errors wins at each cell', () => {
  const local = [{ row: first, column: 0, message: 'local' }]
  expect(mergeErrors(local, errors).map(({ message }) => message)).toEqual(['local', 'wrong', 'incomplete'])
})

test('errors of the server are located by line and field', () => {
  const located = locateServerErrors(
    [
      { line: 1, field: 'name', message: 'Required' },
      { line: 2, field: 'line', message: 'Has 1 cell, but the header has 2' },
      { line: 2, field: 'version', message: 'Must be at least 1' },
      { field: 'body', message: 'is too long' },
    ],
    (line) => sheet.rows[line - 1],
    ['name', 'site_id'],
  )
  expect(located).toEqual({
    cellErrors: [
      { row: first, column: 0, message: 'Required' },
      { row: second, column: undefined, message: 'Has 1 cell, but the header has 2' },
      { row: second, column: undefined, message: 'Version: Must be at least 1' },
    ],
    rest: [{ field: 'body', message: 'is too long' }],
  })
})
