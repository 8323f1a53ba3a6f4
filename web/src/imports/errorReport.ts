import type { FieldError } from '../api/problem'
import type { Row } from './api'

/** shownAtMost is how many bad rows, and how many faults, are in the page; all are in the list to download. */
export const shownAtMost = 1000

const wrongCount = /^has \d+ cells, but the header has \d+$/

/** ofFile are the faults line by line; how many cells a row has is said of the file, not of the columns that were sent. */
export function ofFile(errors: FieldError[], rows: Row[], header: string[]): FieldError[] {
  const cells = new Map(rows.map((row) => [row.line, row.cells.length]))
  const told = (error: FieldError): FieldError => {
    const count = cells.get(error.line ?? 0)
    return count === undefined || !wrongCount.test(error.message) ? error : { ...error, message: `has ${count === 1 ? 'one cell' : `${count} cells`}, but the header has ${header.length}` }
  }
  return errors.map(told).sort((a, b) => (a.line ?? 0) - (b.line ?? 0))
}

/** byLine are the faults of each line, by field; those of a whole line are under "line". */
export function byLine(errors: FieldError[]): Map<number, Map<string, string>> {
  const found = new Map<number, Map<string, string>>()
  for (const { line = 0, field, message } of errors) {
    let fields = found.get(line)
    if (!fields && found.size >= shownAtMost) continue
    if (!fields) found.set(line, (fields = new Map()))
    fields.set(field, fields.has(field) ? `${fields.get(field)}; ${message}` : message)
  }
  return found
}

/** faultsCSV is the list of all faults, as a file for a spreadsheet. */
export function faultsCSV(errors: FieldError[]): Blob {
  const lines = errors.map(({ line, field, message }) => [line ?? '', cell(field), cell(message)].join(','))
  return new Blob(['line,field,message\r\n', lines.join('\r\n'), '\r\n'], { type: 'text/csv' })
}

/** cell is text as a cell; what a spreadsheet would take for a formula is not one. */
function cell(text: string): string {
  const safe = /^[=+\-@\t\r]/.test(text) ? `'${text}` : text
  return `"${safe.replaceAll('"', '""')}"`
}
