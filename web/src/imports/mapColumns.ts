import { countByte, type CSVRecord, isBlank, readRecords, toCommaCell } from './csv'

/** ColumnPlan assigns a field to each column of a file; undefined omits the column. */
export interface ColumnPlan {
  delimiter: number
  columns: (string | undefined)[]
  /** Fields without a column in the file. The server requires the columns, so empty ones are added. */
  emptyColumns: string[]
}

const encoder = new TextEncoder()
const [comma, lineEnd, emptyQuotes] = [',', '\n', '""'].map((text) => encoder.encode(text)) as [
  Uint8Array,
  Uint8Array,
  Uint8Array,
]

/**
 * mapColumns returns a file with the columns of a plan. Rows keep their line numbers, so that the errors of the server
 * match the original file.
 */
export async function mapColumns(
  file: Blob,
  plan: ColumnPlan,
  onProgress: (fraction: number) => void,
  signal: AbortSignal,
): Promise<Blob> {
  const names = [...plan.columns.filter((name) => name !== undefined), ...plan.emptyColumns]
  const header = `${names.join(',')}\n`
  const output = new BlobBuilder()
  let isHeader = true
  let endOffset = 0
  for await (const batch of readRecords(file, plan.delimiter)) {
    signal.throwIfAborted()
    for (const record of batch) {
      if (isHeader && !isBlank(record)) {
        isHeader = false
        if (plan.delimiter === comma[0] && plan.emptyColumns.length === 0 && names.length === plan.columns.length)
          return new Blob([
            ...output.build(),
            header,
            '\n'.repeat(Math.max(record.lineEnds - 1, 0)),
            file.slice(record.nextOffset),
          ]) // only the header changes
        output.add(encoder.encode(header))
        for (let index = 1; index < record.lineEnds; index++) output.add(lineEnd)
      } else addRow(output, record, plan)
    }
    endOffset = batch.at(-1)?.nextOffset ?? endOffset
    onProgress(endOffset / Math.max(file.size, 1))
  }
  return new Blob([...output.build(), file.slice(endOffset)])
}

function addRow(output: BlobBuilder, record: CSVRecord, { columns, emptyColumns, delimiter }: ColumnPlan) {
  if (isBlank(record)) return output.add(lineEnd)
  const keptCells = record.cells
    .filter((_, index) => index < columns.length && columns[index] !== undefined)
    .map((cell) => toCommaCell(cell, delimiter))
  const mappedCount = columns.filter((name) => name !== undefined).length
  const columnCount = mappedCount + emptyColumns.length
  // Keeps a wrong cell count wrong, so that the server rejects the row.
  let cellCount = columnCount + record.cells.length - columns.length
  if (cellCount < 1) cellCount = columnCount > 1 ? 1 : 2
  for (let index = 0; index < cellCount; index++) {
    if (index > 0) output.add(comma)
    const cell = keptCells[index]
    if (cell) output.add(cell)
  }
  if (cellCount === 1 && !keptCells[0]?.length) output.add(emptyQuotes) // otherwise the line would be blank and skipped
  const writtenLines = keptCells.slice(0, cellCount).reduce((sum, cell) => sum + countByte(cell, 10), 0)
  for (let index = writtenLines; index < Math.max(record.lineEnds, writtenLines + 1); index++) output.add(lineEnd)
}

/** BlobBuilder collects bytes in blobs, which the browser can store outside of the page's memory. */
class BlobBuilder {
  private readonly blobs: Blob[] = []
  private readonly buffer = new Uint8Array(1 << 20)
  private used = 0

  add(bytes: Uint8Array) {
    if (this.used + bytes.length > this.buffer.length) this.flush()
    if (bytes.length > this.buffer.length) this.blobs.push(new Blob([bytes as Uint8Array<ArrayBuffer>]))
    else {
      this.buffer.set(bytes, this.used)
      this.used += bytes.length
    }
  }

  build(): Blob[] {
    this.flush()
    return this.blobs
  }

  private flush() {
    if (this.used > 0) this.blobs.push(new Blob([this.buffer.slice(0, this.used)]))
    this.used = 0
  }
}
