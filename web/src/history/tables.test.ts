import { expect, test } from 'vitest'

import { humanize, rowPath, tableNoun } from './tables'

test('tableNoun returns a word for a sentence', () => {
  expect(tableNoun('site')).toBe('site')
  expect(tableNoun('account')).toBe('user')
  expect(tableNoun('some_table')).toBe('some table')
  expect(humanize('postcode_or_zip')).toBe('Postcode or zip')
})

test('rowPath returns a path only for tables with a screen', () => {
  const paths = ['/', '/sites', '/sites/new', '/sites/$id', '/rules/$code', '/users/$id/keys']
  expect(rowPath('site', '3', paths)).toBe('/sites/3')
  expect(rowPath('rule', 'a/b', paths)).toBe('/rules/a%2Fb')
  expect(rowPath('account', '3', paths)).toBeUndefined()
  expect(rowPath('freezer', '3', paths)).toBeUndefined()
  expect(rowPath('attachment', '3', paths)).toBeUndefined()
})
