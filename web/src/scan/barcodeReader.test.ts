import { expect, test } from 'vitest'

import { createRepeatFilter } from './barcodeReader'

test('a code that stays in sight is reported once, and again after it was out of sight', () => {
  const isNew = createRepeatFilter()
  const seen: [code: string, at: number, isNew: boolean][] = [
    ['A', 0, true],
    ['A', 150, false],
    ['A', 2_100, false], // less than two seconds since it was seen last
    ['B', 2_200, true],
    ['A', 2_300, true],
    ['A', 4_300, true],
  ]
  expect(seen.map(([code, at]) => isNew(code, at))).toEqual(seen.map(([, , expected]) => expected))
})
