import { expect, test, vi } from 'vitest'

import { createSheet } from '../editableGrid/sheet'
import { type ImportTarget, importTargets } from './importTargets'
import { openFile } from './readFile'
import { type Candidate, candidateLabels, candidateTexts, matchText } from './candidates'
import { collectTextsOfFile, replaceNamesInFile } from './replaceNamesInFile'
import { describeUnclearName, replaceName, unclearNames } from './names'
import { createTemplate } from './template'
import { toCsv } from './toCsv'

vi.hoisted(() => vi.stubGlobal('location', new URL('http://lab:5000/app/import')))

const freezers: Candidate[] = [
  { value: '102', name: 'Minus80-B2', detail: 'Oslo clinic' },
  { value: '107', name: 'Minus80-B2', detail: 'Biobank West' },
  { value: '108', name: 'minus80-b2', detail: 'Madrid' },
  { value: '112', name: 'Cold (old)', detail: 'Biobank North' },
]
const values = (text: string, candidates = freezers) => matchText(text, candidates).map(({ value }) => value)
const target = importTargets.find(({ name }) => name === 'containers') as ImportTarget
const signal = new AbortController().signal

test.each([
  ['Minus80-B2', ['102', '107']],
  ['Minus80-B2 (Biobank West)', ['107']],
  ['minus80-b2', ['108']],
  ['MINUS80-B2', ['102', '107', '108']],
  ['MINUS80-B2 (oslo clinic)', ['102']],
  ['Cold (old)', ['112']],
  ['Cold', []],
])('%j names %j', (text, expected) => expect(values(text)).toEqual(expected))

test('a username names one user, even if others have it as their name', () => {
  const users = [
    { value: 'jane', name: 'Jane Miller', detail: 'jane' },
    { value: 'jm2', name: 'jane', detail: 'jm2' },
  ]
  expect(values('jane', users)).toEqual(['jane'])
})

test('candidates with equal names and places are told apart by ID', () => {
  const [first, second] = freezers as [Candidate, Candidate]
  const twin = { ...second, value: '117' }
  expect(candidateTexts([first, second])).toEqual(['Minus80-B2 (Oslo clinic)', 'Minus80-B2 (Biobank West)'])
  expect(candidateTexts([first, second, twin])).toEqual(['Minus80-B2 (Oslo clinic)', '107', '117'])
  expect(candidateLabels([second, twin])).toEqual([
    'Minus80-B2 (Biobank West), ID 107',
    'Minus80-B2 (Biobank West), ID 117',
  ])
})

const names = new Map([
  ['freezer_id', new Map([['B2', freezers.slice(0, 1)], ['B3', freezers], ['B4', []]])],
])

test('only a name of one row is replaced', () => {
  expect(['B2', ' B2 ', 'B3', 'B4', '7'].map((text) => replaceName(names, 'freezer_id', text))).toEqual([
    '102',
    '102',
    'B3',
    'B4',
    '7',
  ])
  expect(replaceName(names, 'description', 'B2')).toBe('B2')
  expect(unclearNames(names).map((name) => describeUnclearName(target, name))).toEqual([
    '4 freezers are named “B3”. Choose one below',
    'There is no freezer named “B4”',
  ])
})

test('names in a file are replaced, and its rows keep their lines', async () => {
  const text = 'Freezer;Note\n\nB2;"two\nlines"\nB3;x;extra\n;;\n 7 \n'
  const source = await openFile(new File([text], 'x.csv'))
  const columns = ['freezer_id', undefined]
  const texts = await collectTextsOfFile(source, target, columns, signal)
  expect([...(texts.get('freezer_id') ?? [])]).toEqual(['B2', 'B3', '7'])
  const replaced = await replaceNamesInFile(source, columns, names, signal)
  expect(await replaced.text()).toBe('Freezer;Note\n\n102;"two\nlines"\nB3;x;extra\n\n" 7 "\n')
})

test('the rows of a sheet are found by the lines of its CSV file', () => {
  const { rows } = createSheet(2, [['B2', 'a\nb'], ['x', '"'], ['ragged']], 10)
  const { text, findRow } = toCsv(['Freezer', 'No\nte'], rows, (cell, i) =>
    replaceName(names, i === 0 ? 'freezer_id' : undefined, cell),
  )
  expect(text).toBe('Freezer,"No\nte"\n102,"a\nb"\nx,""""\nragged')
  expect([3, 4, 5, 6].map(findRow)).toEqual([rows[0], undefined, rows[1], rows[2]])
})

test('a template has a column of each field for new rows', async () => {
  const [names, example] = (await createTemplate(target).text()).split('\r\n')
  expect(names).toMatch(/^Description,Barcode,Kind,Type,.*,Freezer,.*,Position,/)
  expect(example).toMatch(/^"Mouse serum, cohort 12, box 1",BOX-0001,box,serum,.*,Minus80-B2 \(Biobank West\),/)
  for (const each of importTargets) expect(Object.keys(each.fields)).toEqual(expect.arrayContaining(Object.keys(each.example)))
})
