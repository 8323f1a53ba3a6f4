import { describe, expect, test } from 'vitest'

import { firstUuid, type LabelPart, splitLabels } from './parts'

const uuids = (count: number) => Array.from({ length: count }, (_, i) => `u${i + 1}`)
const ranges = (parts: LabelPart[]) => parts.map(({ first, last, skip }) => [first, last, skip])

describe('splitLabels', () => {
  test('the filters of a list select all labels', () => {
    const params = { q: 'serum' }
    expect(splitLabels({ params, count: 3000, firstUuid: 'u' }, 65, 7)).toEqual([{ params, first: 1, last: 3000, skip: 7 }])
  })

  test('few containers are one part', () => {
    expect(splitLabels({ uuids: uuids(3) }, 65, 2)).toEqual([
      { params: { uuid__in: 'u1,u2,u3' }, first: 1, last: 3, skip: 2 },
    ])
  })

  test('each part begins with a new sheet, and names at most 100 containers', () => {
    expect(ranges(splitLabels({ uuids: uuids(250) }, 65, 0))).toEqual([
      [1, 65, 0],
      [66, 130, 0],
      [131, 195, 0],
      [196, 250, 0],
    ])
    expect(ranges(splitLabels({ uuids: uuids(200) }, 24, 10))).toEqual([
      [1, 86, 10],
      [87, 182, 0],
      [183, 200, 0],
    ])
  })

  test('a roll has parts of 100', () =>
    expect(ranges(splitLabels({ uuids: uuids(201) }, 1, 0))).toEqual([
      [1, 100, 0],
      [101, 200, 0],
      [201, 201, 0],
    ]))

  test('a sheet of more labels goes on in the next part', () =>
    expect(ranges(splitLabels({ uuids: uuids(250) }, 189, 0))).toEqual([
      [1, 100, 0],
      [101, 200, 100],
      [201, 250, 11],
    ]))

  test('all containers are in exactly one part, for any sheet', () => {
    for (const perPage of [1, 24, 30, 65, 80, 99, 100, 101, 189])
      for (const skip of [0, 1, perPage - 1].filter((n) => n < perPage)) {
        const parts = splitLabels({ uuids: uuids(321) }, perPage, skip)
        expect(parts.flatMap(({ params }) => String(params.uuid__in).split(','))).toEqual(uuids(321))
        for (const { first, last } of parts) expect(last - first).toBeLessThan(100)
      }
  })
})

test('the first container is previewed', () => {
  expect(firstUuid({ uuids: ['b', 'a'] })).toBe('b')
  expect(firstUuid({ uuids: [] })).toBe('')
})
