import { describe, expect, test } from 'vitest'

import { exportParams, formatSort, matchParams, pageParams, parseGridState, parseSort } from './gridState'
import type { ListDefinition } from './types'

interface Box {
  uuid: string
  description: string
  freezer_id: number
  state: string
}

const definition: ListDefinition<Box> = {
  noun: 'boxes',
  label: 'Boxes',
  itemNames: { one: 'box', many: 'boxes' },
  rowKey: (box) => box.uuid,
  keyFields: ['uuid'],
  defaultSort: '-uuid',
  defaultFilters: { state: 'open' },
  include: 'freezer',
  columns: [
    { id: 'description', header: 'Description', type: 'text', isNullable: true },
    { id: 'state', header: 'State', type: 'choice', options: [] },
    {
      id: 'freezer_name',
      header: 'Freezer',
      type: 'text',
      reference: { kind: 'freezer', idField: 'freezer_id', useName: () => String },
    },
    { id: 'size', header: 'Size', type: 'number', isHidden: true },
    { id: 'code', header: 'Code', type: 'codes', isFilterOnly: true },
  ],
}

const parse = (search: string) => parseGridState(definition, Object.fromEntries(new URLSearchParams(search)))
const filtersOf = (search: string) => parse(search).filters.map(({ param, value }) => `${param}=${value}`)

describe('filters', () => {
  test.each([
    ['', ['state=open']],
    ['state=all', []],
    ['state=closed', ['state=closed']],
    ['state__in=open,closed', ['state__in=open,closed']],
    ['state=all&freezer_id=7&freezer_name__contains=B2', ['freezer_id=7', 'freezer_name__contains=B2']],
    ['state=all&code=300', ['code=300']],
    ['state=all&description__empty=true', ['description__empty=true']],
    // Parameters of the screen, and unknown ones.
    ['state=all&view=list&find=x&q=x&sort=size&size__nonsense=1&size__gt__lt=1&owner=x', []],
  ])('%s', (search, expected) => expect(filtersOf(search)).toEqual(expected))

  test('a reference is found by its ID and by its name', () => {
    const { filters } = parse('state=all&freezer_id__not=7&freezer_name__startswith=B')
    expect(filters.map(({ column, operator }) => [column.id, operator])).toEqual([
      ['freezer_name', 'not'],
      ['freezer_name', 'startswith'],
    ])
  })
})

test.each([
  ['', []],
  ['-', []],
  ['-country,name', [{ id: 'country', desc: true }, { id: 'name', desc: false }]],
])('sort=%s', (text, keys) => {
  expect(parseSort(text)).toEqual(keys)
  if (keys.length > 0) expect(formatSort(keys)).toBe(text)
})

test('hidden columns are shown when the URL names them, unknown ones are not', () => {
  expect(parse('').visibleIds).toEqual(['description', 'state', 'freezer_name'])
  expect(parse('fields=size,description').visibleIds).toEqual(['size', 'description'])
  expect(parse('fields=nothing').visibleIds).toEqual(['description', 'state', 'freezer_name'])
  expect(parse('fields=code').visibleIds).toEqual(['description', 'state', 'freezer_name'])
})

test.each([
  ['', 50, 1],
  ['limit=100', 100, 1],
  ['limit=7', 50, 1],
  ['page=3', 50, 1], // without a cursor it is the first page
  ['page=3&after=x', 50, 3],
  ['page=x&before=x', 50, 1],
])('%s: %i rows, page %i', (search, limit, page) => expect(parse(search)).toMatchObject({ limit, page }))

test('a page has the filters, the order, the cursor and the total', () => {
  const state = parse('q=serum&state=all&description__contains=a&sort=-size&after=c&page=2')
  expect(pageParams(definition, state, { freezer_id: '7' })).toEqual({
    q: 'serum',
    description__contains: 'a',
    freezer_id: '7',
    sort: '-size',
    include: 'freezer',
    after: 'c',
    limit: '50',
    count: 'exact',
  })
  expect(pageParams(definition, parse('')).sort).toBe('-uuid')
})

test('an export has the filters and the order of the page, and the key with the visible columns', () => {
  const state = parse('q=serum&state=all&sort=-size&after=c&page=2&fields=description,size')
  expect(exportParams(definition, state)).toEqual({
    q: 'serum',
    sort: '-size',
    fields: 'uuid,description,size',
    format: 'csv',
  })
})

test('a scope wins over a filter of the URL', () =>
  expect(matchParams(parse('state=all&freezer_id=1'), { freezer_id: '7' })).toEqual({ freezer_id: '7' }))
