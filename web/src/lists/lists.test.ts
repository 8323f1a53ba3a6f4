import { readFileSync } from 'node:fs'

import { describe, expect, test, vi } from 'vitest'

import { columnOperators, filterParam } from '../grid/operators'
import type { ListDefinition } from '../grid/types'

vi.stubGlobal('location', new URL('http://lab:5000/app/'))

// The definitions of lists against the OpenAPI document: a column, filter or export field that the API does not have
// would be rejected by the server.

interface Parameter {
  name: string
}
const document = JSON.parse(readFileSync(new URL('../../../api/openapi.json', import.meta.url), 'utf8')) as {
  paths: Record<string, { get?: { parameters: { $ref?: string }[] } }>
  components: { parameters: Record<string, Parameter> }
}

/** listParameters returns the names of the parameters of a list. */
function listParameters(noun: string): Set<string> {
  const references = document.paths[`/api/v1/${noun}`]?.get?.parameters ?? []
  return new Set(
    references.flatMap(({ $ref = '' }) => document.components.parameters[$ref.split('/').at(-1) ?? '']?.name ?? []),
  )
}

// Not eager: the modules need the location above.
const modules = import.meta.glob<Record<string, ListDefinition<object>>>('./*.tsx')
const definitions = (await Promise.all(Object.values(modules).map((load) => load())))
  .flatMap((module) => Object.entries(module))
  .filter(([name]) => name.endsWith('List'))

test('there are definitions', () => expect(definitions.length).toBeGreaterThan(10))

describe.each(definitions)('%s', (_, definition) => {
  const parameters = listParameters(definition.noun)
  const { columns, keyFields, defaultSort, isSearchable = true } = definition
  const filterable = columns.filter(({ isFilterable = true }) => isFilterable)

  test('the API has every filter', () => {
    const names = filterable.flatMap((column) =>
      columnOperators(column).map((operator) => filterParam(column, operator)),
    )
    expect(names.filter((name) => !parameters.has(name))).toEqual([])
  })

  test('the API has every field of the order and of an export', () => {
    const fields = columns.flatMap(({ id, isSortable = true, isFilterOnly, exportFields }) => [
      ...(isSortable && !isFilterOnly ? [id] : []),
      ...(exportFields ?? []),
    ])
    if (defaultSort) fields.push(defaultSort.replace('-', ''))
    const jsonFields = ['before', 'after'] // they have no filters
    expect([...fields, ...keyFields].filter((name) => !parameters.has(name) && !jsonFields.includes(name))).toEqual([])
  })

  test('the API has the search', () => expect(isSearchable && !parameters.has('q')).toBe(false))

  test('choices have options', () => {
    const types = ['choice', 'boolean', 'presence']
    expect(columns.filter(({ type, options, useOptions }) => types.includes(type) && !options && !useOptions)).toEqual([])
  })
})
