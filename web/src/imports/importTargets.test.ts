import { expect, test } from 'vitest'

import { guessFields, type ImportTarget, importTargets, missingFields } from './importTargets'

const findTarget = (name: string) => importTargets.find((target) => target.name === name) as ImportTarget

test('fields are guessed from column names, each at most once', () => {
  expect(guessFields(['NAME', 'Site ID', 'colour', 'name', 'id'], findTarget('freezers'))).toEqual([
    'name',
    'site_id',
    undefined,
    undefined,
    'id',
  ])
  expect(guessFields(['site', 'ID'], findTarget('freezers'))).toEqual(['site_id', 'id'])
  expect(guessFields(['State or region', 'Postcode or ZIP', ''], findTarget('sites'))).toEqual([
    'state_or_region',
    'postcode_or_zip',
    undefined,
  ])
})

test('missing fields are grouped into required and optional, without key fields', () => {
  expect(missingFields(['name', undefined], findTarget('computers'))).toEqual({
    missingRequired: ['site_id'],
    missingOptional: ['mac'],
  })
  expect(missingFields(['name', 'site_id'], findTarget('freezers'))).toEqual({
    missingRequired: [],
    missingOptional: [],
  })
})
