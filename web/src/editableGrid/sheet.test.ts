import { expect, test } from 'vitest'

import { keyTarget, stepTarget } from './selection'
import {
  appendRows,
  clearCells,
  copyFromAbove,
  createSheet,
  fillColumn,
  fillDown,
  paste,
  redo,
  removeRows,
  replaceText,
  selectCell,
  type Sheet,
  undo,
  writeBlock,
} from './sheet'

const letters = [
  ['a', '1'],
  ['b', '2'],
  ['c', '3'],
]
const sheetOf = (cells: string[][], maxRows = 100) => createSheet(2, cells, maxRows)
const texts = (sheet: Sheet) => sheet.rows.map(({ cells }) => [...cells])
const select = (sheet: Sheet, top: number, left: number, bottom = top, right = left): Sheet => ({
  ...selectCell(sheet, { row: top, column: left }),
  rangeEnd: { row: bottom, column: right },
})

test('a sheet has at least one row', () => {
  expect(texts(sheetOf([]))).toEqual([[]])
  const all = removeRows(select(sheetOf(letters), 0, 0, 2))
  expect(texts(all)).toEqual([[]])
  expect(texts(undo(all))).toEqual(letters)
})

test('pasted cells start at the active cell, and the sheet grows', () => {
  const pasted = paste(select(sheetOf(letters), 2, 0), [
    ['x', 'y'],
    ['z', 'w'],
  ])
  expect(texts(pasted)).toEqual([['a', '1'], ['b', '2'], ['x', 'y'], ['z', 'w']])
  expect(pasted).toMatchObject({ active: { row: 2, column: 0 }, rangeEnd: { row: 3, column: 1 } })
  expect(pasted.notice).toBe('Pasted 2 rows')
  expect(new Set(pasted.rows.map(({ id }) => id)).size).toBe(4)
})

test('the notice counts cells that do not fit', () => {
  const pasted = paste(select(sheetOf(letters, 4), 2, 1), [['x', 'lost'], ['y'], ['z']])
  expect(texts(pasted)).toEqual([['a', '1'], ['b', '2'], ['c', 'x'], ['', 'y']])
  expect(pasted.notice).toBe('Pasted 2 rows. Too many rows: left out 1 row. Left out 1 column')
})

test('a single text fills the selected range', () => {
  expect(texts(paste(select(sheetOf(letters), 0, 0, 1, 1), [['x']]))).toEqual([['x', 'x'], ['x', 'x'], ['c', '3']])
})

test('cells without a new text keep theirs', () => {
  expect(texts(paste(sheetOf(letters), [[undefined, 'x'], ['y']]))).toEqual([['a', 'x'], ['y', '2'], ['c', '3']])
})

test('the first row of a range fills the others', () => {
  expect(texts(fillDown(select(sheetOf(letters), 0, 0, 1)))).toEqual([['a', '1'], ['a', '2'], ['c', '3']])
})

test('one row fills all rows below that have a text', () => {
  const sheet = select(sheetOf([['a', 'x'], ['b'], ['', '3'], [], []]), 0, 1)
  expect(texts(fillDown(sheet))).toEqual([['a', 'x'], ['b', 'x'], ['', 'x'], [], []])
  expect(fillDown(select(sheet, 2, 0)).notice).toBe('No rows below to fill')
})

test('cells are copied from above', () => {
  expect(texts(copyFromAbove(select(sheetOf(letters), 1, 0, 1, 1)))).toEqual([['a', '1'], ['a', '1'], ['c', '3']])
  expect(texts(copyFromAbove(select(sheetOf(letters), 0, 0)))).toEqual(letters)
})

test('a series starts in the first selected row', () => {
  const filled = fillColumn(select(sheetOf(letters), 2, 1, 1), ['x', 'y', 'z'])
  expect(texts(filled)).toEqual([['a', '1'], ['b', 'x'], ['c', 'y'], ['', 'z']])
  expect(filled).toMatchObject({ active: { row: 1, column: 1 }, rangeEnd: { row: 3, column: 1 } })
})

test('a text is replaced where it is the whole text of a cell', () => {
  const sheet = sheetOf([['a', 'a'], [' a '], ['ab']])
  expect(texts(replaceText(sheet, 0, 'a', 'x'))).toEqual([['x', 'a'], ['x', ''], ['ab']])
})

test('undo and redo restore rows, and a new change ends redo', () => {
  const first = writeBlock(sheetOf(letters), { row: 0, column: 0 }, [['x']])
  const second = clearCells(select(first, 0, 0, 2, 1))
  expect(texts(undo(second))).toEqual(texts(first))
  expect(texts(redo(undo(second)))).toEqual(texts(second))
  expect(texts(undo(undo(undo(second))))).toEqual(letters)
  const changed = writeBlock(undo(second), { row: 1, column: 1 }, [['y']])
  expect(redo(changed).notice).toBe('Nothing to redo')
})

test('a change that changes nothing is no step of undo', () => {
  const sheet = writeBlock(sheetOf([['a'], []]), { row: 0, column: 0 }, [['a', ''], ['', '']])
  expect(sheet.past).toEqual([])
  expect(texts(sheet)).toEqual([['a'], []])
})

test('undo keeps the selection within the rows', () => {
  const grown = paste(select(sheetOf(letters), 2, 0), [['x'], ['y'], ['z']])
  expect(undo(select(grown, 4, 1)).active).toEqual({ row: 2, column: 1 })
})

test('a row with too many cells keeps them', () => {
  expect(texts(writeBlock(sheetOf([['a', 'b', 'extra']]), { row: 0, column: 1 }, [['x', 'y', 'z']]))).toEqual([
    ['a', 'x', 'extra'],
  ])
})

test('keys move within the sheet', () => {
  const sheet = sheetOf(letters)
  const move = (key: string, row: number, column: number, isControl = false) =>
    keyTarget(sheet, { row, column }, { key, isControl })
  expect(move('ArrowDown', 2, 0)).toEqual({ row: 2, column: 0 })
  expect(move('ArrowRight', 0, 0)).toEqual({ row: 0, column: 1 })
  expect(move('Home', 2, 1)).toEqual({ row: 2, column: 0 })
  expect(move('End', 0, 0, true)).toEqual({ row: 2, column: 1 })
  expect(move('ArrowDown', 0, 1, true)).toEqual({ row: 2, column: 1 })
  expect(move('PageDown', 0, 1)).toEqual({ row: 2, column: 1 })
  expect(move('x', 0, 0)).toBeUndefined()
})

test('Tab steps through the cells in reading order', () => {
  const sheet = sheetOf(letters)
  expect(stepTarget(select(sheet, 0, 1), 1)).toEqual({ row: 1, column: 0 })
  expect(stepTarget(select(sheet, 1, 0), -1)).toEqual({ row: 0, column: 1 })
  expect(stepTarget(select(sheet, 2, 1), 1)).toBeUndefined()
  expect(stepTarget(select(sheet, 0, 0), -1)).toBeUndefined()
})

/** random returns numbers from 0 to 1, the same ones for the same seed. */
function random(seed: number) {
  return () => {
    seed = (seed + 0x6d2b79f5) | 0
    let mixed = Math.imul(seed ^ (seed >>> 15), 1 | seed)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
}

const seed = Number(process.env.SEED ?? 1)

test(`any changes can be undone, and the selection stays within the rows (SEED=${seed})`, () => {
  const next = random(seed)
  const below = (count: number) => Math.floor(next() * count)
  const changes: ((sheet: Sheet) => Sheet)[] = [
    (sheet) => paste(sheet, Array.from({ length: 1 + below(4) }, () => Array.from({ length: 1 + below(3) }, () => `p${below(9)}`))),
    (sheet) => fillColumn(sheet, Array.from({ length: 1 + below(5) }, (_, i) => `s${i}`)),
    fillDown,
    copyFromAbove,
    clearCells,
    removeRows,
    (sheet) => appendRows(sheet, below(3)),
    (sheet) => replaceText(sheet, below(2), `p${below(9)}`, 'r'),
    undo,
    redo,
  ]
  for (let run = 0; run < 300; run++) {
    let sheet = createSheet(2, letters, 12)
    for (let step = 0; step < 20; step++) {
      sheet = select(sheet, below(sheet.rows.length), below(2), below(sheet.rows.length), below(2))
      sheet = (changes[below(changes.length)] as (sheet: Sheet) => Sheet)(sheet)
      expect(sheet.rows.length).toBeGreaterThan(0)
      expect(sheet.rows.length).toBeLessThanOrEqual(12)
      for (const { row, column } of [sheet.active, sheet.rangeEnd]) {
        expect(row).toBeLessThan(sheet.rows.length)
        expect(column).toBeLessThan(2)
      }
      expect(new Set(sheet.rows.map(({ id }) => id)).size).toBe(sheet.rows.length)
    }
    while (sheet.past.length > 0) sheet = undo(sheet)
    expect(texts(sheet).filter(({ length }) => length > 0)).toEqual(letters) // added rows alone are no step
  }
})
