import { expect, test } from 'vitest'

import samples from '../../../api/rest/testdata/csv_samples.json'
import { detectDelimiter, findForeignFormat } from './fileFormat'
import { openFile } from './readFile'
import { type CSVRecord, MalformedCSV, readRecords } from './readRecords'

const file = (...parts: BlobPart[]) => new File(parts, 'x.csv')

async function readAll(blob: Blob, options: { delimiter?: string; isStrict?: boolean } = {}): Promise<CSVRecord[]> {
  const records: CSVRecord[] = []
  for await (const batch of readRecords(blob, { delimiter: ',', ...options })) records.push(...batch)
  return records
}

/** chunked returns a file whose content arrives in chunks of one byte. */
function chunked(text: string): Blob {
  const bytes = new TextEncoder().encode(text)
  let position = 0
  const stream = () =>
    new ReadableStream({
      pull(controller) {
        if (position < bytes.length) controller.enqueue(bytes.slice(position, ++position))
        else controller.close()
      },
    })
  return Object.assign(file(), { stream }) as Blob
}

// The samples contain the records that the server reads. A strict reader rejects texts that it would read differently.
test('records are those of the server, or the text is malformed', async () => {
  let readCount = 0
  for (const { text, delimiter, records, invalid } of samples) {
    const read = await readAll(file(text), { delimiter, isStrict: true }).catch((error: unknown) => {
      if (!(error instanceof MalformedCSV)) throw error
    })
    if (!read || invalid.length > 0) continue
    readCount++
    expect(read, JSON.stringify(text)).toEqual(records)
    expect(await readAll(chunked(text), { delimiter, isStrict: true }), JSON.stringify(text)).toEqual(records)
  }
  expect(readCount).toBeGreaterThan(100)
})

test.each([
  ['an unclosed quote', 'a,b\n1,"2\n'],
  ['text after a quoted cell', 'a,b\n"1"x,2\n3,4\n'],
  ['mixed line breaks', 'a,b\r\n1,2\n'],
])('a strict reader rejects %s', async (_, text) => {
  await expect(readAll(file(text), { isStrict: true })).rejects.toThrow(MalformedCSV)
  expect((await readAll(file(text)))[0]?.line).toBe(1)
})

test('a strict reader rejects invalid UTF-8', async () => {
  const latin1 = file(new Uint8Array([0x61, 0x0a, 0xe9, 0x0a]))
  await expect(readAll(latin1, { isStrict: true })).rejects.toThrow(MalformedCSV)
  expect((await openFile(latin1)).isEditable).toBe(false)
})

test('the delimiter is that of the server', async () => {
  for (const { text, delimiter } of samples) expect(await detectDelimiter(file(text)), text).toBe(delimiter)
})

test('a large file is read in chunks', async () => {
  const rows = await readAll(file(`${Array.from({ length: 50_000 }, (_, i) => `${i},"é\n${i}"`).join('\n')}\n`))
  expect(rows.length).toBe(50_000)
  expect(rows.at(-1)).toEqual({ line: 99_999, cells: ['49999', 'é\n49999'] })
})

test('reading stops at an unclosed quote', async () => {
  let chunkCount = 0
  const chunk = new Uint8Array(1 << 16).fill(120)
  const stream = () =>
    new ReadableStream({
      pull(controller) {
        controller.enqueue(chunkCount++ === 0 ? new TextEncoder().encode('a,b\n1,"') : chunk)
      },
    })
  expect(await readAll(Object.assign(file(), { stream }) as Blob)).toEqual([{ line: 1, cells: ['a', 'b'] }])
  expect(chunkCount).toBeLessThan(40)
})

test('the header has no spaces around names and no columns without a name at the end', async () => {
  const { header, rows, problem } = await openFile(file('\ufeff\ufeff\n;;\n ID ;Name\u00a0;;Site;; \n1;a;b;2\n;;;;;\n'))
  expect(header).toEqual(['ID', 'Name', '', 'Site'])
  expect(rows).toEqual([{ line: 4, cells: ['1', 'a', 'b', '2'] }])
  expect(problem).toBeUndefined()
  expect((await openFile(file('\n,,\n'))).problem).toBe('is empty.')
})

test('a long file is not editable, and only its first rows are read', async () => {
  const lines = (count: number) => file(`name\n${'x\n'.repeat(count)}`)
  expect(await openFile(lines(2000))).toMatchObject({ isEditable: true, rows: { length: 2000 } })
  expect(await openFile(lines(2001))).toMatchObject({ isEditable: false, rows: { length: 10 } })
})

test('a file that is no text is named', async () => {
  const bytes = (...values: number[]) => file(new Uint8Array(values))
  for (const [start, message] of [
    [bytes(0x1f, 0x8b, 8, 0), 'is a gzip file. Unpack the file first.'],
    [bytes(0x50, 0x4b, 3, 4), 'is a spreadsheet (.xlsx, .ods) or a ZIP archive. Save the sheet as CSV.'],
    [bytes(0xd0, 0xcf, 0x11, 0xe0), 'is a spreadsheet (.xls). Save the sheet as CSV.'],
    [bytes(0xff, 0xfe, 0x61, 0), 'is UTF-16 text. Save the file as UTF-8.'],
    [bytes(0xfe, 0xff, 0, 0x61), 'is UTF-16 text. Save the file as UTF-8.'],
    [bytes(0x61, 0, 0x62, 0), 'is UTF-16 text. Save the file as UTF-8.'],
    [bytes(0, 0x61), 'is UTF-16 text. Save the file as UTF-8.'],
    [file('PK,b'), undefined],
    [file('a'), undefined],
    [file(), undefined],
  ] as const)
    expect(await findForeignFormat(start)).toBe(message)
  expect((await openFile(bytes(0x50, 0x4b, 3, 4))).problem).toContain('Save the sheet as CSV.')
})
