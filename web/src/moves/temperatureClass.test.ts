import { expect, test } from 'vitest'

import { guessTemperatureClass } from './temperatureClass'

test.each([
  ['-80', 'ultraCold'],
  ['−80 °C north', 'ultraCold'],
  ['Minus80-B2', 'ultraCold'],
  ['minus 80 A', 'ultraCold'],
  ['M80-3', 'ultraCold'],
  ['Freezer -86C', 'ultraCold'],
  ['Ultra low 3', 'ultraCold'],
  ['ULT 4', 'ultraCold'],
  ['-20C', 'cold'],
  ['Minus20 A', 'cold'],
  ['-40C', 'cold'],
  ['–20 °C, hall', 'cold'],
  ['LN2 tank 1', 'cryogenic'],
  ['-150C', 'cryogenic'],
  ['Liquid nitrogen', 'cryogenic'],
  ['Cryo 2', 'cryogenic'],
  ['Fridge 1', 'cool'],
  ['4 °C', 'cool'],
  ['+4 hall', 'cool'],
  ['4C-2', 'cool'],
  ['Cold room', 'cool'],
])('%s is %s', (name, expected) => expect(guessTemperatureClass(name)).toBe(expected))

test.each(['Freezer 4', 'Room 80', 'B-80', 'Freezer-2', '', 'Shelf -1', 'CTU 1', 'Ulm', 'Building 20C4', '+37 incubator'])(
  'the name %j states no class',
  (name) => expect(guessTemperatureClass(name)).toBeUndefined(),
)
