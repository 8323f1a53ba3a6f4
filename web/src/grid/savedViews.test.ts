import { expect, test, vi } from 'vitest'

import { parseGridState } from './gridState'
import type { ListDefinition } from './types'

vi.stubGlobal('location', new URL('http://lab:5000/app/'))
const { isSameQuery, viewQuery, viewSearch } = await import('./savedViews')

const definition: ListDefinition<{ id: number }> = {
  noun: 'boxes',
  label: 'Boxes',
  itemNames: { one: 'box', many: 'boxes' },
  rowKey: (box) => box.id,
  keyFields: ['id'],
  defaultFilters: { state: 'open' },
  columns: [
    { id: 'name', header: 'Name', type: 'text' },
    { id: 'state', header: 'State', type: 'choice', options: [] },
    { id: 'size', header: 'Size', type: 'number', isHidden: true },
  ],
}
const save = (search: string) =>
  viewQuery(definition, parseGridState(definition, Object.fromEntries(new URLSearchParams(search))))

test.each([
  ['', 'state=open'],
  ['state=all', ''],
  ['state=all&q=a+b&sort=-name&fields=name,size&page=3&after=x&limit=100', 'q=a+b&sort=-name&fields=name%2Csize'],
])('the view of %j is %j', (search, query) => expect(save(search)).toBe(query))

test.each([
  ['state=open', { state: 'open' }],
  ['q=a+b', { q: 'a b', state: 'all' }],
  ['state=open&state=closed&name__contains=x', { state__in: 'open,closed', name__contains: 'x' }],
])('the view %j shows %j', (query, search) => expect(viewSearch(definition, query)).toEqual(search))

test('a view that is shown is the same view', () => {
  for (const query of ['state=open', 'q=a+b&sort=-name', 'state__in=open%2Cclosed'])
    expect(save(new URLSearchParams(viewSearch(definition, query) as Record<string, string>).toString())).toBe(query)
})

test('the order of the parameters does not matter', () => {
  expect(isSameQuery('a=1&b=2', 'b=2&a=1')).toBe(true)
  expect(isSameQuery('a=1', 'a=2')).toBe(false)
})
