// A streaming CSV reader that shows rows of a file. It splits records like the server, which reads the whole file
// itself, and it never holds a whole file in memory.

/** CSVRecord is a row of the file. Lines count from 1, as on the server. */
export interface CSVRecord {
  line: number
  cells: string[]
}

/** maxRecordLength limits a record, for example after an unclosed quote. */
const maxRecordLength = 1 << 20

/** readRecords splits a file into records, without records of empty cells. It stops at a record that is too long. */
export async function* readRecords(file: Blob, delimiter: string): AsyncGenerator<CSVRecord[]> {
  const splitter = new RecordSplitter(delimiter)
  let isStart = true
  const reader = file.stream().pipeThrough(new TextDecoderStream()).getReader()
  try {
    for (;;) {
      const { done, value = '' } = await reader.read()
      // The decoder removes the first byte order mark. Some programs write two.
      const records = splitter.split(isStart ? value.replace(/^\ufeff/, '') : value)
      if (done) records.push(...splitter.end())
      if (value !== '') isStart = false
      if (records.length > 0) yield records
      if (done || splitter.recordLength > maxRecordLength) return
    }
  } finally {
    await reader.cancel().catch(() => {})
  }
}

/** What the next character belongs to. After a malformed quote, a line has no more quoted cells. */
type State = 'cellStart' | 'unquoted' | 'quoted' | 'quoteInQuoted' | 'malformed'

/** RecordSplitter has the states of lineReader in api/rest/bulk_csv.go. */
export class RecordSplitter {
  /** Length of the record that is not complete yet. */
  recordLength = 0
  private readonly delimiter: string
  private state: State = 'cellStart'
  private cells: string[] = []
  private cell = ''
  private recordLine = 1
  private line = 1
  private isAfterCarriageReturn = false

  constructor(delimiter: string) {
    this.delimiter = delimiter
  }

  /** split returns the records that end in a part of the file. */
  split(text: string): CSVRecord[] {
    const records: CSVRecord[] = []
    for (const [token] of text.matchAll(/[\n\r",;\t]|[^\n\r",;\t]+/g)) {
      this.recordLength += token.length
      const isLineBreak = token === '\n' && this.isAfterCarriageReturn
      this.isAfterCarriageReturn = token === '\r' && this.state !== 'quoted'
      if (isLineBreak) continue // the carriage return ended the record
      if (token === '\n' || this.isAfterCarriageReturn) this.line++
      if (this.state !== 'quoted' && (token === '\n' || token === '\r')) records.push(...this.end())
      else this.add(token)
    }
    return records
  }

  /** end completes a record. It returns none if all cells are empty. */
  end(): CSVRecord[] {
    const record = { line: this.recordLine, cells: [...this.cells, this.cell] }
    this.cells = []
    this.cell = ''
    this.state = 'cellStart'
    this.recordLine = this.line
    this.recordLength = 0
    return record.cells.some((cell) => cell !== '') ? [record] : []
  }

  private add(token: string) {
    const isQuote = token === '"'
    if (this.state === 'quoted' && isQuote) this.state = 'quoteInQuoted'
    else if (this.state === 'quoted') this.cell += token
    else if (token === this.delimiter) {
      this.cells.push(this.cell)
      this.cell = ''
      if (this.state !== 'malformed') this.state = 'cellStart'
    } else if (isQuote && this.state === 'cellStart') this.state = 'quoted'
    else {
      this.cell += token
      const isMalformed = isQuote || this.state === 'quoteInQuoted' || this.state === 'malformed'
      if (isQuote && this.state === 'quoteInQuoted') this.state = 'quoted'
      else this.state = isMalformed ? 'malformed' : 'unquoted'
    }
  }
}

const delimiters = [',', ';', '\t']

/** detectDelimiter returns the most frequent delimiter in the header, outside quotes, like the server. */
export async function detectDelimiter(file: Blob): Promise<string> {
  const start = await file.slice(0, 1 << 16).text()
  const header = /[^\r\n]+/.exec(start.replace(/^\ufeff/, ''))?.[0].replaceAll(/"[^"]*("|$)/g, '') ?? ''
  const count = (delimiter: string) => header.split(delimiter).length
  return delimiters.reduce((best, delimiter) => (count(delimiter) > count(best) ? delimiter : best))
}

/** Files that are often chosen instead of text, by their first bytes; see foreignFormats in api/rest/bulk_text.go. */
const foreignFormats: [start: number[], message: string][] = [
  [[0x1f, 0x8b], 'is a gzip file. Unpack the file first.'],
  [[0x50, 0x4b, 3, 4], 'is a spreadsheet (.xlsx, .ods) or a ZIP archive. Save the sheet as CSV.'],
  [[0xd0, 0xcf, 0x11, 0xe0], 'is a spreadsheet (.xls). Save the sheet as CSV.'],
  [[0xff, 0xfe], 'is UTF-16 text. Save the file as UTF-8.'],
  [[0xfe, 0xff], 'is UTF-16 text. Save the file as UTF-8.'],
]

/** findForeignFormat says what a file is that is no text, and what to do; undefined for text. */
export async function findForeignFormat(file: Blob): Promise<string | undefined> {
  const start = [...new Uint8Array(await file.slice(0, 4).arrayBuffer())]
  if (start.slice(0, 2).includes(0)) return 'is UTF-16 text. Save the file as UTF-8.'
  return foreignFormats.find(([bytes]) => bytes.every((byte, i) => start[i] === byte))?.[1]
}
