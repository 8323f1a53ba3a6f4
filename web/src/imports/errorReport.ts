import type { FieldError } from '../api/problem'
import type { SourceRow } from './api'

/** maxShownErrors is how many bad rows, and how many faults, are in the page; all are in the list to download. */
export const maxShownErrors = 1000

const cellCountPattern = /^has \d+ cells, but the header has \d+$/

/** toFileErrors are the faults line by line; how many cells a row has is said of the file, not of the columns that were sent. */
export function toFileErrors(errors: FieldError[], rows: SourceRow[], header: string[]): FieldError[] {
  const cellCounts = new Map(rows.map((row) => [row.line, row.cells.length]))
  const correctCellCount = (error: FieldError): FieldError => {
    const count = cellCounts.get(error.line ?? 0)
    return count === undefined || !cellCountPattern.test(error.message) ? error : { ...error, message: `has ${count === 1 ? 'one cell' : `${count} cells`}, but the header has ${header.length}` }
  }
  return errors.map(correctCellCount).sort((a, b) => (a.line ?? 0) - (b.line ?? 0))
}

/** groupErrorsByLine are the faults of each line, by field; those of a whole line are under "line". */
export function groupErrorsByLine(errors: FieldError[]): Map<number, Map<string, string>> {
  const errorsByLine = new Map<number, Map<string, string>>()
  for (const { line = 0, field, message } of errors) {
    let fields = errorsByLine.get(line)
    if (!fields && errorsByLine.size >= maxShownErrors) continue
    if (!fields) errorsByLine.set(line, (fields = new Map()))
    fields.set(field, fields.has(field) ? `${fields.get(field)}; ${message}` : message)
  }
  return errorsByLine
}

/** errorsToCsv is the list of all faults, as a file for a spreadsheet. */
export function errorsToCsv(errors: FieldError[]): Blob {
  const lines = errors.map(({ line, field, message }) => [line ?? '', quoteCell(field), quoteCell(message)].join(','))
  return new Blob(['line,field,message\r\n', lines.join('\r\n'), '\r\n'], { type: 'text/csv' })
}

/** quoteCell is text as a cell; what a spreadsheet would take for a formula is not one. */
function quoteCell(text: string): string {
  const safe = /^[=+\-@\t\r]/.test(text) ? `'${text}` : text
  return `"${safe.replaceAll('"', '""')}"`
}
