import { expect, test } from 'vitest'

import { errorsToCsv, groupErrorsByLine } from './errorReport'

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
  // The same rule as in api/bind/formula.go.
  expect(await errorsToCsv([{ line: 2, field: "'=1", message: "it's" }]).text()).toContain(`2,"''=1","it's"`)
})
