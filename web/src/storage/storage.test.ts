import { expect, test } from 'vitest'

import type { Content, MapUnit } from './api'
import { categorize, fillLevel, percentFull } from './colours'
import { buildTree, chainOf, totalOccupancy } from './mapTree'
import { parsePlaceKey, placeKeyOf } from './placeKey'
import { buildCells, type GridShape, listFree, positionLabel, rowLabel, rowLetters, summarizeRange } from './positions'

const grid = (rows: number, columns: number, scheme = 'A1', blocked: string | null = null): GridShape => ({
  rows,
  columns,
  scheme,
  blocked,
})
const content = (fields: Partial<Content>) => ({ status: 'stored', type: null, ...fields }) as Content

test('rows are named like the columns of a spreadsheet', () => {
  expect([1, 26, 27, 52, 53, 100].map(rowLetters)).toEqual(['A', 'Z', 'AA', 'AZ', 'BA', 'CV'])
})

test('a position has the name that the server gives it', () => {
  expect(positionLabel(grid(9, 9), 2, 4)).toBe('B4')
  expect(positionLabel(grid(9, 9, '1-1'), 2, 4)).toBe('2-4')
  expect(positionLabel(grid(9, 9, '1'), 2, 4)).toBe('13')
  expect(['A1', '1-1', '1'].map((scheme) => rowLabel(grid(3, 5, scheme), 3))).toEqual(['C', '3', '11'])
})

test('cells are free, blocked, stored, reserved or missing', () => {
  const cells = buildCells(grid(2, 3, 'A1', 'A2, B3'), [
    content({ position_row: 1, position_column: 1 }),
    content({ position_row: 2, position_column: 1, status: 'checked_out' }),
    content({ position_row: 2, position_column: 2, status: 'missing' }),
    content({ position_row: null, position_column: null }),
  ])
  expect(cells.map((row) => row.map(({ state }) => state))).toEqual([
    ['stored', 'blocked', 'free'],
    ['reserved', 'missing', 'blocked'],
  ])
  expect(listFree(cells)).toEqual(['A3'])
  expect(summarizeRange(cells.flat())).toBe('6 positions: 3 containers, 1 free')
  expect(summarizeRange([cells[0]?.[1], cells[1]?.[2]].filter((cell) => cell !== undefined))).toBe('2 positions: blocked')
})

test('the most frequent values have their own colour and code, the rest share one', () => {
  const types = ['serum', 'serum', 'saliva', 'plasma', 'cells', 'RNA', 'DNA', 'urine', null]
  const { categories, byValue } = categorize(types.map((type) => content({ type })), 'type', (value) => value)
  expect(categories.map(({ code, label, colour, count }) => [colour, code, label, count])).toEqual([
    [1, 'S', 'serum', 2],
    [2, 'D', 'DNA', 1],
    [3, 'R', 'RNA', 1],
    [4, 'C', 'cells', 1],
    [5, 'P', 'plasma', 1],
    [6, '…', '2 others', 2],
    [0, '–', 'Not set', 1],
  ])
  expect(byValue.get('urine')).toBe(byValue.get('saliva'))
  const codes = categorize([content({ type: 'Serum' }), content({ type: 'Saliva' })], 'type', (value) => value).categories
  expect(codes.map(({ code }) => code)).toEqual(['S', 'Se'])
})

test('how full a container is never rounds to empty or full', () => {
  expect([percentFull(0, 81), percentFull(1, 1000), percentFull(40, 81), percentFull(999, 1000), percentFull(5, 5)]).toEqual([
    0, 1, 49, 99, 100,
  ])
  expect([0, 1, 25, 50, 99, 100].map((taken) => fillLevel(taken, 100))).toEqual([0, 1, 2, 3, 4, 5])
})

const unit = (uuid: string, parent_uuid: string | null, fields: Partial<MapUnit> = {}) =>
  ({ uuid, parent_uuid, description: uuid, positions: null, containers: 0, ...fields }) as MapUnit

test('a map becomes a tree that adds up its occupancy', () => {
  const { roots, byUuid } = buildTree([
    unit('shelf 10', null, { containers: 1 }),
    unit('shelf 2', null, { positions: 4, containers: 1 }),
    unit('rack', 'shelf 2', { positions: 20, containers: 2 }),
    unit('box b', 'rack', { positions: 81, containers: 80, position_row: 2, position_column: 1 }),
    unit('box a', 'rack', { positions: 81, containers: 1, position_row: 1, position_column: 3 }),
  ])
  expect(roots.map(({ unit }) => unit.uuid)).toEqual(['shelf 2', 'shelf 10'])
  expect(byUuid.get('rack')?.children.map(({ unit }) => unit.uuid)).toEqual(['box a', 'box b'])
  expect(byUuid.get('shelf 2')?.occupancy).toEqual({ positions: 186, taken: 84 })
  expect(totalOccupancy(roots)).toEqual({ positions: 186, taken: 84 })
  expect(chainOf(byUuid.get('box b')).map(({ unit }) => unit.uuid)).toEqual(['shelf 2', 'rack', 'box b'])
  expect(chainOf(undefined)).toEqual([])
})

test('the key of a place is read back', () => {
  expect(parsePlaceKey(placeKeyOf({ freezer_id: 107 }))).toEqual({ freezer_id: 107 })
  expect(parsePlaceKey(placeKeyOf({ freezer_id: 107, parent_uuid: 'a-b' }))).toEqual({ container_uuid: 'a-b' })
  expect([placeKeyOf({}), parsePlaceKey('')]).toEqual(['', undefined])
})
