import { expect, test, vi } from 'vitest'

import { matchHeader } from '../editableGrid/matchHeader'
import { describeColumns, type ImportTarget, importTargets } from './importTargets'

vi.hoisted(() => vi.stubGlobal('location', new URL('http://lab:5000/app/import')))

const findTarget = (name: string) => importTargets.find((target) => target.name === name) as ImportTarget

test('fields are guessed from column names, each at most once', () => {
  expect(matchHeader(['NAME', 'Site ID', 'colour', 'name', 'id'], findTarget('freezers').fields)).toEqual([
    'name',
    'site_id',
    undefined,
    undefined,
    'id',
  ])
  expect(matchHeader(['site', 'ID'], findTarget('freezers').fields)).toEqual(['site_id', 'id'])
  expect(matchHeader(['State or region', 'Postcode or ZIP', ''], findTarget('sites').fields)).toEqual([
    'state_or_region',
    'postcode_or_zip',
    undefined,
  ])
})

test('columns are summarized without key fields', () => {
  expect(describeColumns(['id', undefined], findTarget('computers'))).toEqual({
    hasKey: true,
    missing: ['name', 'mac', 'site_id'],
    missingRequired: ['name', 'site_id'],
    clearable: [],
  })
  expect(describeColumns(['name', 'site_id', 'mac', 'version'], findTarget('computers'))).toEqual({
    hasKey: false,
    missing: [],
    missingRequired: [],
    clearable: ['mac'],
  })
  // The ID of a container is generated; the UUID is the key.
  expect(describeColumns(['id'], findTarget('containers')).hasKey).toBe(false)
  expect(describeColumns(['uuid'], findTarget('containers')).hasKey).toBe(true)
})
