import { expect, test } from 'vitest'

import type { RowChange } from './api'
import { listFieldRestores, restoreVersion } from './restoreFields'

const change = (before: Record<string, unknown> | null, after: Record<string, unknown> | null) =>
  ({ before, after, action: before ? (after ? 'update' : 'delete') : 'insert' }) as RowChange

const siteFields = ['name', 'contact']

test('a former value can be restored if the row differs from it', () => {
  const update = change({ name: 'A', contact: 'Kari', version: 1 }, { name: 'A', contact: null, version: 2 })
  expect(listFieldRestores(update, { name: 'B', contact: null }, siteFields)).toEqual([
    { field: 'contact', value: 'Kari', edit: { contact: 'Kari' } },
  ])
  expect(listFieldRestores(update, { name: 'B', contact: 'Kari' }, siteFields)).toEqual([])
})

test('fields that people do not edit are not restored', () => {
  const update = change({ version: 1, depth: 0, status: 'stored' }, { version: 2, depth: 1, status: 'missing' })
  const row = { version: 2, depth: 1, status: 'missing' }
  expect(listFieldRestores(update, row, siteFields)).toEqual([])
  expect(restoreVersion(update, { ...row, status: 'stored' }, siteFields)).toEqual({})
})

test('a version is the row after a change', () => {
  const insert = change(null, { name: 'A', contact: 'Kari', version: 1 })
  expect(listFieldRestores(insert, { name: 'B' }, siteFields)).toEqual([])
  expect(restoreVersion(insert, { name: 'B', contact: 'Kari', version: 5 }, siteFields)).toEqual({ name: 'A' })
  expect(restoreVersion(change({ name: 'A' }, null), { name: 'B' }, siteFields)).toEqual({})
})

test('the place of a container is restored as a whole', () => {
  const fields = ['description', 'freezer_id', 'parent_uuid', 'position']
  const inBox = { description: 'Tube', freezer_id: 7, parent_uuid: 'box', position: 'A1' }
  const loose = { description: 'Tube', freezer_id: 8, parent_uuid: null, position: null }
  expect(listFieldRestores(change(inBox, loose), loose, fields)).toEqual([
    { field: 'freezer_id', value: 7, edit: { parent_uuid: 'box', position: 'A1' } },
    { field: 'parent_uuid', value: 'box', edit: { parent_uuid: 'box', position: 'A1' } },
    { field: 'position', value: 'A1', edit: { parent_uuid: 'box', position: 'A1' } },
  ])
  expect(restoreVersion({ after: loose }, inBox, fields)).toEqual({ freezer_id: 8, parent_uuid: null })
})
