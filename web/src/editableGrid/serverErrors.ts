import { fieldLabel } from '../api/fieldErrors'
import type { FieldError } from '../api/problem'
import type { CellError } from './cellErrors'
import type { SheetRow } from './sheet'

/**
 * locateServerErrors assigns the errors of a bulk request to cells. findRow returns the row of a line of the request,
 * fields are the names of the columns, and labels their labels. The rest are errors of the whole request.
 */
export function locateServerErrors(
  errors: readonly FieldError[],
  findRow: (line: number) => SheetRow | undefined,
  fields: readonly (string | undefined)[],
  labels: Record<string, string> = {},
): { cellErrors: CellError[]; rest: FieldError[] } {
  const cellErrors: CellError[] = []
  const rest: FieldError[] = []
  for (const error of errors) {
    const row = findRow(error.line ?? 0)
    const column = fields.indexOf(error.field)
    const { message } = error
    if (!row) rest.push(error)
    else if (column >= 0) cellErrors.push({ row, column, message })
    else
      cellErrors.push({
        row,
        column: undefined,
        message: error.field === 'line' ? message : `${labels[error.field] ?? fieldLabel(error.field)}: ${message}`,
      })
  }
  return { cellErrors, rest }
}
