import { expect, test } from 'vitest'

import { cellText, detectDelimiter, readRecords } from './csv'
import { type ColumnPlan, mapColumns } from './mapColumns'

const comma = 44
const file = (content: string) => new Blob([content])
const readCells = async (content: string, delimiter = comma) => {
  const rows: [number, ...string[]][] = []
  for await (const batch of readRecords(file(content), delimiter))
    for (const { line, cells } of batch) rows.push([line, ...cells.map(cellText)])
  return rows
}
const mapFile = async (content: string, mapping: Partial<ColumnPlan>) =>
  (
    await mapColumns(
      file(content),
      { delimiter: comma, columns: [], emptyColumns: [], ...mapping },
      () => {},
      new AbortController().signal,
    )
  ).text()

test('records are split like on the server and have line numbers', async () => {
  expect(await readCells('a,b\r\n1,"x, ""y""\nz"\r\n\n3,')).toEqual([
    [1, 'a', 'b'],
    [2, '1', 'x, "y"\nz'],
    [4, ''],
    [5, '3', ''],
  ])
  expect(await readCells('\ufeffa,b\n1,2')).toEqual([
    [1, 'a', 'b'],
    [2, '1', '2'],
  ])
  expect(await readCells('a;b\n1,5;2\n', 59)).toEqual([
    [1, 'a', 'b'],
    [2, '1,5', '2'],
  ])
  expect(await readCells('')).toEqual([])
  // Larger than one chunk.
  const longFile = `${Array.from({ length: 50_000 }, (_, i) => `${i},"é\n${i}"`).join('\n')}\n`
  const rows = await readCells(longFile)
  expect(rows.length).toBe(50_000)
  expect(rows.at(-1)).toEqual([99_999, '49999', 'é\n49999'])
})

test('an unclosed quote is handled in bounded time', async () => {
  const start = Date.now()
  expect((await readCells(`a,b\n1,"${'x\n'.repeat(8 << 20)}`)).length).toBe(1)
  expect(Date.now() - start).toBeLessThan(5_000)
})

test('the delimiter is detected from the header', async () => {
  for (const [header, delimiter] of [
    ['a,b', ','],
    ['a;b;c', ';'],
    ['a\tb', '\t'],
    ['a', ','],
  ] as const)
    expect(await detectDelimiter(file(`${header}\n1;2,3`))).toBe(delimiter.charCodeAt(0))
})

test('columns are renamed, omitted and added; each row keeps its line', async () => {
  expect(await mapFile('A,B\n1,2\n', { columns: ['a', 'b'] })).toBe('a,b\n1,2\n')
  expect(await mapFile('A,B,C\n1,"x\ny",3\n\n4,5,6', { columns: ['a', undefined, 'c'], emptyColumns: ['d'] })).toBe(
    'a,c,d\n1,3,\n\n\n4,6,\n',
  )
  expect(await mapFile('\n\nA,B\n1,2\n', { columns: ['a', 'b'] })).toBe('\n\na,b\n1,2\n')
  expect(await mapFile('"A\nA",B\n1,2\n', { columns: ['a', 'b'] })).toBe('a,b\n\n1,2\n')
  expect(await mapFile('A;B\n1,5;"x"\n', { columns: ['a', 'b'], delimiter: 59 })).toBe('a,b\n"1,5","x"\n')
  expect(await mapFile('A,B\n,2\n', { columns: ['a', undefined] })).toBe('a\n""\n')
})

test('a row with too many or too few cells keeps a wrong cell count', async () => {
  expect(await mapFile('A,B,C\n1,2\n1,2,3,4\n', { columns: ['a', undefined, 'c'] })).toBe('a,c\n1\n1,3,\n')
  expect(await mapFile('A,B,C\n1\n', { columns: ['a', undefined, 'c'] })).toBe('a,c\n1\n')
  expect(await mapFile('A,B\n1\n', { columns: ['a', undefined] })).toBe('a\n1,\n')
})

test('a record with an unclosed quote is passed through', async () => {
  const unclosedCell = `"${'x'.repeat(3 << 20)}`
  expect(await mapFile(`A,B\n1,2\n${unclosedCell}`, { columns: ['a', undefined] })).toBe(`a\n1\n${unclosedCell}`)
})
