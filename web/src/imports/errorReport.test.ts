import { expect, test } from 'vitest'

import { errorsToCsv, groupErrorsByLine, toFileErrors } from './errorReport'

test('errors are grouped by line and field', () => {
  const errorsByLine = groupErrorsByLine([
    { line: 2, field: 'name', message: 'a' },
    { line: 2, field: 'name', message: 'b' },
    { line: 3, field: 'line', message: 'c' },
  ])
  expect(errorsByLine.get(2)?.get('name')).toBe('a; b')
  expect([...errorsByLine.keys()]).toEqual([2, 3])
})

test('formulas are escaped in the CSV report', async () => {
  expect(await errorsToCsv([{ line: 2, field: '=1+1', message: 'says "no"' }]).text()).toBe(
    'line,field,message\r\n2,"\'=1+1","says ""no"""\r\n',
  )
})

test('errors are sorted by line and report the cell count of the file', () => {
  const errors = [
    { line: 7, field: 'line', message: 'has 3 cells, but the header has 2' },
    { line: 4, field: 'site_id', message: 'there is no site 99' },
  ]
  expect(
    toFileErrors(errors, [{ line: 7, cells: ['a'] }], ['name', 'site', 'colour']).map(
      ({ line, message }) => `${line} ${message}`,
    ),
  ).toEqual(['4 there is no site 99', '7 has 1 cell, but the header has 3'])
})
