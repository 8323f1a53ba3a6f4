import { expect, test } from 'vitest'

import type { Move } from './api'
import { describePlace, moveTitle, sortForPicking } from './pickOrder'

const place = (path: string, site_name = 'North') => ({
  path,
  site_name,
  freezer_id: 1,
  freezer_name: 'A',
  parent_uuid: null,
  position: null,
})
const move = (description: string | null, from: string, to: string, toSite = 'North'): Move => ({
  container_uuid: `uuid of ${description}`,
  description,
  barcode: null,
  from: place(from),
  to: place(to, toSite),
})

test('the list follows the places where the containers lie, with numbers as numbers', () => {
  const moves = [
    move('c', 'A › Rack 10, A1', 'B'),
    move('b', 'A › Rack 2, A10', 'B'),
    move('a', 'A › Rack 2, A2', 'B'),
    move('box 10', 'A', 'B'),
    move('box 9', 'A', 'B'),
  ]
  expect(sortForPicking(moves).map(moveTitle)).toEqual(['box 9', 'box 10', 'a', 'b', 'c'])
  expect(moves[0]?.description).toBe('c') // unchanged
})

test('a container without a description is called by its barcode or UUID', () => {
  expect(moveTitle({ ...move(' ', '', ''), barcode: 'LL-1' })).toBe('LL-1')
  expect(moveTitle(move(null, '', ''))).toBe('uuid of null')
})

test('a place has its site if the move leads to another site', () => {
  expect(describePlace(move('a', 'A', 'B, A1'), 'to')).toBe('B, A1')
  expect(describePlace(move('a', 'A', 'B, A1', 'South'), 'to')).toBe('South: B, A1')
  expect(describePlace(move('a', 'A', 'B, A1', 'South'), 'from')).toBe('North: A')
})
