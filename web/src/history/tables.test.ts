import { expect, test } from 'vitest'

import { describeRow, humanize, rowPath } from './tables'

test('describeRow returns the noun and the key', () => {
  expect(describeRow('site', '3')).toBe('site 3')
  expect(describeRow('account', '7')).toBe('user 7')
  expect(describeRow('some_table', 'x')).toBe('some table x')
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
