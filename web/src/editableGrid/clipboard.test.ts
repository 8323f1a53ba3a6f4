import { expect, test } from 'vitest'

import { formatClipboard, parseClipboard } from './clipboard'
import { matchHeader } from './matchHeader'

const fields = { description: 'Description', freezer_id: 'Freezer' }
const parse = (text: string) => parseClipboard(text, fields)

test.each([
  ['a\tb\nc\td', [['a', 'b'], ['c', 'd']]],
  ['a\tb\r\nc\td\r\n', [['a', 'b'], ['c', 'd']]],
  ['a\rb\r', [['a'], ['b']]],
  ['one', [['one']]],
  ['', [['']]],
  ['\t', [['', '']]],
  ['a\n\nb', [['a'], [''], ['b']]],
  ['Mouse serum, cohort 1\nMouse serum, cohort 2', [['Mouse serum, cohort 1'], ['Mouse serum, cohort 2']]],
  ['"two\nlines"\t"a ""quote"""\nnext\t2', [['two\nlines', 'a "quote"'], ['next', '2']]],
  ['5" tube\tx', [['5" tube', 'x']]],
  ['"never closed\tx\ny\tz', [['"never closed', 'x'], ['y', 'z']]],
])('the cells of %j', (text, cells) => expect(parse(text)).toEqual({ block: cells, isWholeRow: false }))

test.each([
  ['Freezer\tDescription\nB2\tSerum', '\t'],
  ['freezer_id;description\nB2;Serum', ';'],
  ['Freezer,Description\nB2,Serum', ','],
])('a header assigns cells to columns: %j', (text) =>
  expect(parse(text)).toEqual({ block: [['Serum', 'B2']], isWholeRow: true }),
)

test('columns that a header does not name keep their texts', () => {
  expect(parse('Freezer\nB2')).toEqual({ block: [[undefined, 'B2']], isWholeRow: true })
  expect(parse('Freezer\tColour\nB2\tred').isWholeRow).toBe(false)
})

test('each field is matched at most once, by name or label', () => {
  expect(matchHeader(['Freezer', 'FREEZER ID', 'colour', 'description '], fields)).toEqual([
    'freezer_id',
    undefined,
    undefined,
    'description',
  ])
})

/** random returns numbers from 0 to 1, the same ones for the same seed. */
function random(seed: number) {
  return () => (seed = (Math.imul(seed, 1_664_525) + 1_013_904_223) >>> 0) / 2 ** 32
}

const seed = Number(process.env.SEED ?? 1)

test(`copied cells are pasted unchanged (SEED=${seed})`, () => {
  const next = random(seed)
  const pieces = ['a', 'é', '"', '"', '\t', '\n', ',', ';', ' ', '=1', "'"]
  const cell = () =>
    Array.from({ length: next() * 6 }, () => pieces[Math.floor(next() * pieces.length)]).join('')
  for (let i = 0; i < 3000; i++) {
    const width = 1 + Math.floor(next() * 3)
    const cells = Array.from({ length: 1 + next() * 4 }, () => Array.from({ length: width }, cell))
    // A quote within a text that does not begin with one is written as it is.
    expect(parse(formatClipboard(cells)).block, JSON.stringify(cells)).toEqual(cells)
  }
})

test(`any text can be pasted (SEED=${seed})`, () => {
  const next = random(seed)
  const pieces = ['a', '"', '""', '\t', '\n', '\r', '\r\n', ',', ';', 'Freezer', 'description']
  for (let i = 0; i < 3000; i++) {
    const text = Array.from({ length: next() * 20 }, () => pieces[Math.floor(next() * pieces.length)]).join('')
    const { block } = parse(text)
    expect(block.length, JSON.stringify(text)).toBeGreaterThanOrEqual(1)
    for (const row of block) expect(row.length).toBeGreaterThanOrEqual(1)
  }
})
