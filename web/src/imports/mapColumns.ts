import { asCommaCell, count, type CSVRecord, isBlank, records } from './csv'

/** A Plan says which field each column of a file is; undefined leaves the column out. */
export interface Plan {
  delimiter: number
  columns: (string | undefined)[]
  /** Fields that the server wants to have a column, though the file has none: it is empty. */
  blank: string[]
}

const encoder = new TextEncoder()
const [comma, lineEnd, emptyQuotes] = [',', '\n', '""'].map((one) => encoder.encode(one)) as [Uint8Array, Uint8Array, Uint8Array]

/** mapped is a file with the columns that a plan wants. Each row stays on its line, so that what the server says of a line is true of the file. */
export async function mapped(file: Blob, plan: Plan, progress: (part: number) => void, signal: AbortSignal): Promise<Blob> {
  const names = [...plan.columns.filter((name) => name !== undefined), ...plan.blank]
  const header = `${names.join(',')}\n`
  const out = new Parts()
  let first = true
  let end = 0
  for await (const batch of records(file, plan.delimiter)) {
    signal.throwIfAborted()
    for (const record of batch) {
      if (first && !isBlank(record)) {
        first = false
        if (plan.delimiter === comma[0] && plan.blank.length === 0 && names.length === plan.columns.length)
          return new Blob([...out.end(), header, '\n'.repeat(Math.max(record.ends - 1, 0)), file.slice(record.next)]) // all else stays as it is
        out.add(encoder.encode(header))
        for (let i = 1; i < record.ends; i++) out.add(lineEnd)
      } else addRow(out, record, plan)
    }
    end = batch.at(-1)?.next ?? end
    progress(end / Math.max(file.size, 1))
  }
  return new Blob([...out.end(), file.slice(end)])
}

function addRow(out: Parts, record: CSVRecord, { columns, blank, delimiter }: Plan) {
  if (isBlank(record)) return out.add(lineEnd)
  const kept = record.cells.filter((_, i) => i < columns.length && columns[i] !== undefined).map((cell) => asCommaCell(cell, delimiter))
  const wanted = columns.filter((name) => name !== undefined).length
  const whole = wanted + blank.length
  let cells = whole + record.cells.length - columns.length // a row with too few or too many cells is to be refused as one
  if (cells < 1) cells = whole > 1 ? 1 : 2
  for (let i = 0; i < cells; i++) {
    if (i > 0) out.add(comma)
    const cell = kept[i]
    if (cell) out.add(cell)
  }
  if (cells === 1 && !kept[0]?.length) out.add(emptyQuotes) // or the line would be blank
  const lines = kept.slice(0, cells).reduce((sum, cell) => sum + count(cell, 10), 0)
  for (let i = lines; i < Math.max(record.ends, lines + 1); i++) out.add(lineEnd)
}

/** Parts gathers bytes into blobs, which the browser may keep outside of the page's memory. */
class Parts {
  private readonly done: Blob[] = []
  private readonly buffer = new Uint8Array(1 << 20)
  private used = 0

  add(bytes: Uint8Array) {
    if (this.used + bytes.length > this.buffer.length) this.flush()
    if (bytes.length > this.buffer.length) this.done.push(new Blob([bytes as Uint8Array<ArrayBuffer>]))
    else {
      this.buffer.set(bytes, this.used)
      this.used += bytes.length
    }
  }

  end(): Blob[] {
    this.flush()
    return this.done
  }

  private flush() {
    if (this.used > 0) this.done.push(new Blob([this.buffer.slice(0, this.used)]))
    this.used = 0
  }
}
