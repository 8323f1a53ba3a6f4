import { readFileSync } from 'node:fs'

import { expect, test } from 'vitest'

import { formatType, matchesSearch, parseOperations } from './openapi'

const allOperations = parseOperations(
  JSON.parse(readFileSync(new URL('../../../api/openapi.json', import.meta.url), 'utf8')),
)

test('each operation of the API is listed once and has a curl sample', () => {
  expect(allOperations.length).toBeGreaterThan(100)
  expect(new Set(allOperations.map(({ id }) => id)).size).toBe(allOperations.length)
  for (const { id, samples } of allOperations) expect(samples[0]?.label, id).toBe('curl')
  expect(allOperations[0]?.tag).toBe('sites')
})

test('references to parameters and schemas are resolved', () => {
  const patchSite = allOperations.find(({ id }) => id === 'PatchSite')
  expect(patchSite).toMatchObject({ method: 'PATCH', path: '/api/v1/sites/{id}' })
  expect(patchSite?.parameters.map(({ name, location }) => `${location} ${name}`)).toEqual([
    'path id',
    'header Idempotency-Key',
    'header X-Change-Message',
    'query dry_run',
    'header If-Match',
  ])
  expect(patchSite?.body.map(({ name }) => name)).toContain('postcode_or_zip')
  expect(patchSite?.response).toMatchObject({ type: 'Site', description: '200: The row.' })
  expect(patchSite?.samples.find(({ label }) => label === 'SQL')?.source).toContain('UPDATE site SET')
  expect(JSON.parse(patchSite?.response.example ?? '')).toMatchObject({ id: 11, version: 3 })
  expect(allOperations.find(({ id }) => id === 'ListSites')?.response).toMatchObject({ type: 'Site[]' })
  expect(allOperations.find(({ path }) => path === '/metrics')?.response.example).toBe('')
})

test('formatType returns short type names', () => {
  expect(formatType({ type: ['string', 'null'] })).toBe('string or null')
  expect(formatType({ type: 'integer', format: 'int64' })).toBe('integer')
  expect(formatType({ type: 'string', format: 'uuid' })).toBe('uuid')
  expect(formatType(undefined)).toBe('')
})

test('matchesSearch accepts words in any order', () => {
  expect(allOperations.filter((operation) => matchesSearch(operation, 'sites patch')).map(({ id }) => id)).toEqual([
    'PatchSites',
    'PatchSite',
  ])
  expect(allOperations.filter((operation) => matchesSearch(operation, 'no such words'))).toEqual([])
})
