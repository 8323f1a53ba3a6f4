import type { FieldError } from '../api/problem'

/** maxShownErrors limits the rows and the errors on the page. The download contains all errors. */
export const maxShownErrors = 1000

/** sortByLine returns errors in the order of the file. */
export const sortByLine = (errors: FieldError[]) => errors.toSorted((a, b) => (a.line ?? 0) - (b.line ?? 0))

/** groupErrorsByLine maps lines to messages by field. Errors of an entire line have the field "line". */
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

/** errorsToCsv returns all errors as a CSV file. */
export function errorsToCsv(errors: FieldError[]): Blob {
  const lines = errors.map(({ line, field, message }) => [line ?? '', quoteCell(field), quoteCell(message)].join(','))
  return new Blob(['line,field,message\r\n', lines.join('\r\n'), '\r\n'], { type: 'text/csv' })
}

/** quoteCell quotes a CSV cell and escapes text that a spreadsheet would interpret as a formula. */
function quoteCell(text: string): string {
  const safe = /^'*[=+\-@\t\r]/.test(text) ? `'${text}` : text
  return `"${safe.replaceAll('"', '""')}"`
}
