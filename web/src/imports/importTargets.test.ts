import { expect, test } from 'vitest'

import { guess, kinds, missing, type Kind } from './importTargets'

const kind = (name: string) => kinds.find((one) => one.name === name) as Kind

test('fields are guessed by what columns are called, each once', () => {
  expect(guess(['NAME', 'Site ID', 'colour', 'name', 'id'], kind('freezers'))).toEqual(['name', 'site_id', undefined, undefined, 'id'])
  expect(guess(['site', 'Number'], kind('freezers'))).toEqual(['site_id', 'id'])
  expect(guess(['State or region', 'Postcode or ZIP', ''], kind('sites'))).toEqual(['state_or_region', 'postcode_or_zip', undefined])
})

test('what no column is, is needed or will be empty; keys are neither', () => {
  expect(missing(['name', undefined], kind('computers'))).toEqual({ needed: ['site_id'], blank: ['mac'] })
  expect(missing(['name', 'site_id'], kind('freezers'))).toEqual({ needed: [], blank: [] })
})
