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
  ends: number
  /** Where the next record begins, in bytes. */
  next: number
}

/** longest is how long a record may be, in bytes; the server takes no longer one. */
export const longest = 1 << 20

/** records cuts a file, chunk by chunk. It ends early at a record that is too long: perhaps a quote was never closed. */
export async function* records(file: Blob, delimiter: number): AsyncGenerator<CSVRecord[]> {
  const reader = file.stream().getReader()
  let rest: Uint8Array = new Uint8Array()
  let at = 0 // where rest begins in the file
  let line = 1
  try {
    for (;;) {
      const { done, value } = await reader.read()
      const bytes = value ? joined(rest, value) : rest
      const found: CSVRecord[] = []
      let start = at === 0 && bytes[0] === 0xef && bytes[1] === 0xbb && bytes[2] === 0xbf ? 3 : 0 // spreadsheets put a mark there
      for (;;) {
        const cut = start < bytes.length ? cutRecord(bytes, start, delimiter, done) : undefined
        if (!cut) break
        const ends = count(bytes.subarray(start, cut.next), lineFeed)
        found.push({ line, cells: cut.cells, ends, next: at + cut.next })
        line += ends
        start = cut.next
      }
      if (found.length > 0) yield found
      rest = bytes.subarray(start)
      at += start
      if (done || rest.length > longest) return
    }
  } finally {
    await reader.cancel().catch(() => {})
  }
}

function cutRecord(bytes: Uint8Array, start: number, delimiter: number, last: boolean): { cells: Uint8Array[]; next: number } | undefined {
  const cells: Uint8Array[] = []
  let from = start
  let i = start
  for (;;) {
    if (bytes[i] === quote) i = afterQuotes(bytes, i + 1)
    while (i < bytes.length && bytes[i] !== delimiter && bytes[i] !== lineFeed) i++
    if (i >= bytes.length && !last) return undefined
    const ends = i >= bytes.length || bytes[i] === lineFeed
    cells.push(bytes.subarray(from, ends && i > from && bytes[i - 1] === carriageReturn ? i - 1 : i))
    i++
    if (ends) return { cells, next: Math.min(i, bytes.length) }
    from = i
  }
}

/** afterQuotes finds where a quoted cell ends. */
function afterQuotes(bytes: Uint8Array, from: number): number {
  for (let i = bytes.indexOf(quote, from); i >= 0; i = bytes.indexOf(quote, i + 2)) if (bytes[i + 1] !== quote) return i + 1
  return bytes.length
}

function joined(a: Uint8Array, b: Uint8Array): Uint8Array {
  if (a.length === 0) return b
  const both = new Uint8Array(a.length + b.length)
  both.set(a)
  both.set(b, a.length)
  return both
}

/** count is how often a byte stands in some. */
export function count(bytes: Uint8Array, byte: number): number {
  let found = 0
  for (let i = bytes.indexOf(byte); i >= 0; i = bytes.indexOf(byte, i + 1)) found++
  return found
}

const decoder = new TextDecoder()

/** text is what a cell says. */
export function text(cell: Uint8Array): string {
  const raw = decoder.decode(cell)
  return raw.startsWith('"') ? raw.slice(1, raw.length > 1 && raw.endsWith('"') ? -1 : undefined).replaceAll('""', '"') : raw
}

/** delimiterOf guesses what stands between cells: spreadsheets of many countries write semicolons. */
export async function delimiterOf(file: Blob): Promise<number> {
  const start = new Uint8Array(await file.slice(0, 1 << 16).arrayBuffer())
  const end = start.indexOf(lineFeed)
  const header = end < 0 ? start : start.subarray(0, end)
  const candidates = [comma, ...[';', '\t'].map((one) => one.charCodeAt(0))]
  return candidates.reduce((best, one) => (count(header, one) > count(header, best) ? one : best))
}

/** isBlank tells an empty line, which the server passes over. */
export const isBlank = ({ cells }: CSVRecord): boolean => cells.length === 1 && cells[0]?.length === 0

/** asCommaCell is a cell as it must be written between commas. */
export function asCommaCell(cell: Uint8Array, delimiter: number): Uint8Array {
  if (delimiter === comma || cell[0] === quote || !cell.includes(comma)) return cell
  return new TextEncoder().encode(`"${decoder.decode(cell).replaceAll('"', '""')}"`)
}
