import Papa from 'papaparse'

// A streaming reader of CSV files, which never holds a whole file in memory.

/** CSVRecord is a row of the file. Lines count from 1, as on the server. */
export interface CSVRecord {
  line: number
  cells: string[]
}

/** maxRecordLength limits a record, for example after an unclosed quote. */
const maxRecordLength = 1 << 20

/** sampleLength is the length of the text that shows how lines end. */
const sampleLength = 1 << 14

/** MalformedCSV is thrown for text that the server reads differently or rejects. */
export class MalformedCSV extends Error {
  override readonly name = 'MalformedCSV'
}

interface Options {
  delimiter: string
  /** Throws MalformedCSV for malformed quotes, mixed line breaks, invalid UTF-8 and records that are too long. */
  isStrict?: boolean
}

/** readRecords splits a file into records, without records of empty cells. It stops at a record that is too long. */
export async function* readRecords(file: Blob, { delimiter, isStrict = false }: Options): AsyncGenerator<CSVRecord[]> {
  let parser: Papa.Parser | undefined
  let rest = ''
  let line = 1
  const fail = () => {
    if (isStrict) throw new MalformedCSV()
  }
  const reader = file.stream().pipeThrough(new TextDecoderStream()).getReader()
  try {
    for (;;) {
      const { done, value = '' } = await reader.read()
      if (value.includes('\ufffd')) fail()
      rest += value
      if (!parser) {
        if (rest.length < sampleLength && !done) continue
        rest = rest.replace(/^\ufeff/, '') // the decoder removes only the first one of two
        const lineBreaks = findLineBreaks(done ? rest : rest.replace(/\r$/, '')) // perhaps half a line break
        if (lineBreaks.length > 1) fail()
        parser = new Papa.Parser({ delimiter, newline: lineBreaks[0] ?? '\n' })
      }
      const { data, errors, meta } = parser.parse(rest, 0, !done) as Papa.ParseResult<string[]>
      if (errors.length > 0) fail()
      rest = rest.slice(meta.cursor)
      const records: CSVRecord[] = []
      for (const cells of data) {
        if (cells.some((cell) => cell !== '')) records.push({ line, cells })
        line += 1 + countLineBreaks(cells)
      }
      if (records.length > 0) yield records
      if (rest.length > maxRecordLength) fail()
      if (done || rest.length > maxRecordLength) return
    }
  } finally {
    await reader.cancel().catch(() => {})
  }
}

/** countLineBreaks counts the line breaks within cells. */
export const countLineBreaks = (cells: readonly string[]): number =>
  cells.reduce((sum, cell) => sum + cell.split('\n').length - 1, 0)

type LineBreak = '\r\n' | '\n' | '\r'

/** findLineBreaks returns the kinds of line breaks outside of quotes, the most frequent first. */
function findLineBreaks(text: string): LineBreak[] {
  const counts = new Map<LineBreak, number>()
  for (const [lineBreak] of text.replaceAll(/"[^"]*("|$)/g, '').matchAll(/\r\n|\r|\n/g))
    counts.set(lineBreak as LineBreak, (counts.get(lineBreak as LineBreak) ?? 0) + 1)
  return [...counts].sort(([, a], [, b]) => b - a).map(([lineBreak]) => lineBreak)
}
