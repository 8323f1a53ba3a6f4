import { countByte, type CSVRecord, isBlank, readRecords, toCommaCell } from './csv'

/** A ColumnPlan says which field each column of a file is; undefined leaves the column out. */
export interface ColumnPlan {
  delimiter: number
  columns: (string | undefined)[]
  /** Fields that the server wants to have a column, though the file has none: it is empty. */
  emptyColumns: string[]
}

const encoder = new TextEncoder()
const [comma, lineEnd, emptyQuotes] = [',', '\n', '""'].map((text) => encoder.encode(text)) as [Uint8Array, Uint8Array, Uint8Array]

/** mapColumns is a file with the columns that a plan wants. Each row stays on its line, so that what the server says of a line is true of the file. */
export async function mapColumns(file: Blob, plan: ColumnPlan, onProgress: (fraction: number) => void, signal: AbortSignal): Promise<Blob> {
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
          return new Blob([...output.build(), header, '\n'.repeat(Math.max(record.lineEnds - 1, 0)), file.slice(record.nextOffset)]) // all else stays as it is
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
  const keptCells = record.cells.filter((_, index) => index < columns.length && columns[index] !== undefined).map((cell) => toCommaCell(cell, delimiter))
  const mappedCount = columns.filter((name) => name !== undefined).length
  const columnCount = mappedCount + emptyColumns.length
  let cellCount = columnCount + record.cells.length - columns.length // a row with too few or too many cells is to be refused as one
  if (cellCount < 1) cellCount = columnCount > 1 ? 1 : 2
  for (let index = 0; index < cellCount; index++) {
    if (index > 0) output.add(comma)
    const cell = keptCells[index]
    if (cell) output.add(cell)
  }
  if (cellCount === 1 && !keptCells[0]?.length) output.add(emptyQuotes) // or the line would be blank
  const writtenLines = keptCells.slice(0, cellCount).reduce((sum, cell) => sum + countByte(cell, 10), 0)
  for (let index = writtenLines; index < Math.max(record.lineEnds, writtenLines + 1); index++) output.add(lineEnd)
}

/** BlobBuilder gathers bytes into blobs, which the browser may keep outside of the page's memory. */
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
