// A streaming CSV parser on bytes with the same rules as the server's. It never holds a whole file in memory. Invalid
// CSV passes through unchanged, so that the server reports it.

const quote = 34
const lineFeed = 10
const carriageReturn = 13
const comma = 44
const semicolon = 59
const tab = 9

/** CSVRecord is a row of the file: its cells including quotes, and its position. */
export interface CSVRecord {
  /** Line number, starting at 1 as on the server. */
  line: number
  cells: Uint8Array[]
  /** Number of line breaks in the record, including the final one. */
  lineEnds: number
  /** Byte offset of the next record. */
  nextOffset: number
}

/** maxRecordSize is the maximum size of a record in bytes, the same as on the server. */
const maxRecordSize = 1 << 20

/** readRecords parses a file in chunks. It stops at a record that is too long, for example after an unclosed quote. */
export async function* readRecords(file: Blob, delimiter: number): AsyncGenerator<CSVRecord[]> {
  const reader = file.stream().getReader()
  let remainder: Uint8Array = new Uint8Array()
  let remainderOffset = 0 // byte offset of remainder in the file
  let line = 1
  try {
    for (;;) {
      const { done, value } = await reader.read()
      const bytes = value ? concatBytes(remainder, value) : remainder
      const batch: CSVRecord[] = []
      // Spreadsheets write a byte order mark.
      let start = remainderOffset === 0 && bytes[0] === 0xef && bytes[1] === 0xbb && bytes[2] === 0xbf ? 3 : 0
      for (;;) {
        const record = start < bytes.length ? parseRecord(bytes, start, delimiter, done) : undefined
        if (!record) break
        const lineEnds = countByte(bytes.subarray(start, record.nextOffset), lineFeed)
        batch.push({ line, cells: record.cells, lineEnds, nextOffset: remainderOffset + record.nextOffset })
        line += lineEnds
        start = record.nextOffset
      }
      if (batch.length > 0) yield batch
      remainder = bytes.subarray(start)
      remainderOffset += start
      if (done || remainder.length > maxRecordSize) return
    }
  } finally {
    await reader.cancel().catch(() => {})
  }
}

function parseRecord(
  bytes: Uint8Array,
  start: number,
  delimiter: number,
  isLastChunk: boolean,
): { cells: Uint8Array[]; nextOffset: number } | undefined {
  const cells: Uint8Array[] = []
  let cellStart = start
  let position = start
  for (;;) {
    if (bytes[position] === quote) position = endOfQuoted(bytes, position + 1)
    while (position < bytes.length && bytes[position] !== delimiter && bytes[position] !== lineFeed) position++
    if (position >= bytes.length && !isLastChunk) return undefined
    const isRecordEnd = position >= bytes.length || bytes[position] === lineFeed
    cells.push(
      bytes.subarray(
        cellStart,
        isRecordEnd && position > cellStart && bytes[position - 1] === carriageReturn ? position - 1 : position,
      ),
    )
    position++
    if (isRecordEnd) return { cells, nextOffset: Math.min(position, bytes.length) }
    cellStart = position
  }
}

/** endOfQuoted returns the offset after the closing quote, or the length of bytes if there is none. */
function endOfQuoted(bytes: Uint8Array, from: number): number {
  for (let position = bytes.indexOf(quote, from); position >= 0; position = bytes.indexOf(quote, position + 2))
    if (bytes[position + 1] !== quote) return position + 1
  return bytes.length
}

function concatBytes(a: Uint8Array, b: Uint8Array): Uint8Array {
  if (a.length === 0) return b
  const combined = new Uint8Array(a.length + b.length)
  combined.set(a)
  combined.set(b, a.length)
  return combined
}

/** countByte returns the number of occurrences of a byte. */
export function countByte(bytes: Uint8Array, byte: number): number {
  let total = 0
  for (let position = bytes.indexOf(byte); position >= 0; position = bytes.indexOf(byte, position + 1)) total++
  return total
}

const decoder = new TextDecoder()

/** cellText decodes a cell and removes its quotes. */
export function cellText(cell: Uint8Array): string {
  const decoded = decoder.decode(cell)
  return decoded.startsWith('"')
    ? decoded.slice(1, decoded.length > 1 && decoded.endsWith('"') ? -1 : undefined).replaceAll('""', '"')
    : decoded
}

/** detectDelimiter guesses the delimiter from the header. Spreadsheets use semicolons in many locales. */
export async function detectDelimiter(file: Blob): Promise<number> {
  const start = new Uint8Array(await file.slice(0, 1 << 16).arrayBuffer())
  const end = start.indexOf(lineFeed)
  const header = end < 0 ? start : start.subarray(0, end)
  return [comma, semicolon, tab].reduce((best, candidate) =>
    countByte(header, candidate) > countByte(header, best) ? candidate : best,
  )
}

/** isBlank reports whether a record is an empty line, which the server skips. */
export const isBlank = ({ cells }: CSVRecord): boolean => cells.length === 1 && cells[0]?.length === 0

/** toCommaCell quotes a cell for a comma-separated file, if needed. */
export function toCommaCell(cell: Uint8Array, delimiter: number): Uint8Array {
  if (delimiter === comma || cell[0] === quote || !cell.includes(comma)) return cell
  return new TextEncoder().encode(`"${decoder.decode(cell).replaceAll('"', '""')}"`)
}
