// Cuts CSV into records, byte by byte as the server does, without ever holding the whole of it: what is not understood goes to the server as it is, which says so.

const quote = 34
const lineFeed = 10
const carriageReturn = 13
const comma = 44

/** A record is a row as it stands in the file: its cells with their quotes, and where it is. */
export interface CSVRecord {
  /** From 1, as the server counts. */
  line: number
  cells: Uint8Array[]
  /** Line ends in it, its own one too. */
  lineEnds: number
  /** Where the next record begins, in bytes. */
  nextOffset: number
}

/** maxRecordSize is how long a record may be, in bytes; the server takes no longer one. */
export const maxRecordSize = 1 << 20

/** readRecords cuts a file, chunk by chunk. It ends early at a record that is too long: perhaps a quote was never closed. */
export async function* readRecords(file: Blob, delimiter: number): AsyncGenerator<CSVRecord[]> {
  const reader = file.stream().getReader()
  let remainder: Uint8Array = new Uint8Array()
  let remainderOffset = 0 // where rest begins in the file
  let line = 1
  try {
    for (;;) {
      const { done, value } = await reader.read()
      const bytes = value ? concatBytes(remainder, value) : remainder
      const batch: CSVRecord[] = []
      let start = remainderOffset === 0 && bytes[0] === 0xef && bytes[1] === 0xbb && bytes[2] === 0xbf ? 3 : 0 // spreadsheets put a mark there
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

function parseRecord(bytes: Uint8Array, start: number, delimiter: number, isLastChunk: boolean): { cells: Uint8Array[]; nextOffset: number } | undefined {
  const cells: Uint8Array[] = []
  let cellStart = start
  let position = start
  for (;;) {
    if (bytes[position] === quote) position = endOfQuoted(bytes, position + 1)
    while (position < bytes.length && bytes[position] !== delimiter && bytes[position] !== lineFeed) position++
    if (position >= bytes.length && !isLastChunk) return undefined
    const isRecordEnd = position >= bytes.length || bytes[position] === lineFeed
    cells.push(bytes.subarray(cellStart, isRecordEnd && position > cellStart && bytes[position - 1] === carriageReturn ? position - 1 : position))
    position++
    if (isRecordEnd) return { cells, nextOffset: Math.min(position, bytes.length) }
    cellStart = position
  }
}

/** endOfQuoted finds where a quoted cell ends. */
function endOfQuoted(bytes: Uint8Array, from: number): number {
  for (let position = bytes.indexOf(quote, from); position >= 0; position = bytes.indexOf(quote, position + 2)) if (bytes[position + 1] !== quote) return position + 1
  return bytes.length
}

function concatBytes(a: Uint8Array, b: Uint8Array): Uint8Array {
  if (a.length === 0) return b
  const combined = new Uint8Array(a.length + b.length)
  combined.set(a)
  combined.set(b, a.length)
  return combined
}

/** countByte is how often a byte stands in some. */
export function countByte(bytes: Uint8Array, byte: number): number {
  let total = 0
  for (let position = bytes.indexOf(byte); position >= 0; position = bytes.indexOf(byte, position + 1)) total++
  return total
}

const decoder = new TextDecoder()

/** cellText is what a cell says. */
export function cellText(cell: Uint8Array): string {
  const decoded = decoder.decode(cell)
  return decoded.startsWith('"') ? decoded.slice(1, decoded.length > 1 && decoded.endsWith('"') ? -1 : undefined).replaceAll('""', '"') : decoded
}

/** detectDelimiter guesses what stands between cells: spreadsheets of many countries write semicolons. */
export async function detectDelimiter(file: Blob): Promise<number> {
  const start = new Uint8Array(await file.slice(0, 1 << 16).arrayBuffer())
  const end = start.indexOf(lineFeed)
  const header = end < 0 ? start : start.subarray(0, end)
  const candidates = [comma, ...[';', '\t'].map((candidate) => candidate.charCodeAt(0))]
  return candidates.reduce((best, candidate) => (countByte(header, candidate) > countByte(header, best) ? candidate : best))
}

/** isBlank tells an empty line, which the server passes over. */
export const isBlank = ({ cells }: CSVRecord): boolean => cells.length === 1 && cells[0]?.length === 0

/** toCommaCell is a cell as it must be written between commas. */
export function toCommaCell(cell: Uint8Array, delimiter: number): Uint8Array {
  if (delimiter === comma || cell[0] === quote || !cell.includes(comma)) return cell
  return new TextEncoder().encode(`"${decoder.decode(cell).replaceAll('"', '""')}"`)
}
