import { readFileSync } from 'node:fs'

import { expect, test } from 'vitest'

import { matches, operations, typeName } from './openapi'

const all = operations(JSON.parse(readFileSync(new URL('../../../api/openapi.json', import.meta.url), 'utf8')))

test('each operation of the API is there once, with a curl sample', () => {
  expect(all.length).toBeGreaterThan(100)
  expect(new Set(all.map(({ id }) => id)).size).toBe(all.length)
  for (const { id, samples } of all) expect(samples[0]?.label, id).toBe('curl')
  expect(all[0]?.tag).toBe('sites')
})

test('parameters and fields are followed to where they are described', () => {
  const patch = all.find(({ id }) => id === 'PatchSite')
  expect(patch).toMatchObject({ method: 'PATCH', path: '/api/v1/sites/{id}' })
  expect(patch?.parameters.map(({ name, place }) => `${place} ${name}`)).toEqual(['path id', 'query dry_run', 'header If-Match'])
  expect(patch?.body.map(({ name }) => name)).toContain('postcode_or_zip')
  expect(patch?.answer).toMatchObject({ type: 'Site', text: '200: The row.' })
  expect(patch?.samples.find(({ label }) => label === 'SQL')?.source).toContain('UPDATE site SET')
  expect(all.find(({ id }) => id === 'ListSites')?.answer).toMatchObject({ type: 'Site[]' })
})

test('types are said in short', () => {
  expect(typeName({ type: ['string', 'null'] })).toBe('text or null')
  expect(typeName({ type: 'integer', format: 'int64' })).toBe('whole number')
  expect(typeName({ type: 'string', format: 'uuid' })).toBe('uuid')
  expect(typeName(undefined)).toBe('')
})

test('what one looks for may be a few words in any order', () => {
  expect(all.filter((one) => matches(one, 'sites patch')).map(({ id }) => id)).toEqual(['PatchSite'])
  expect(all.filter((one) => matches(one, 'no such words'))).toEqual([])
})
