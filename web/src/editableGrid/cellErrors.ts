import type { CellPosition } from './selection'
import type { SheetRow } from './sheet'

/** CellError is an error of a row as it was checked. It no longer holds when the text of its cell has changed. */
export interface CellError {
  row: SheetRow
  /** undefined: the error concerns the whole row. */
  column: number | undefined
  message: string
}

/** isCurrent reports whether the row still has the text that was checked. */
export function isCurrent({ row, column }: CellError, current: SheetRow): boolean {
  return column === undefined
    ? row.cells === current.cells
    : (row.cells[column] ?? '') === (current.cells[column] ?? '')
}

/** groupByRow maps the IDs of rows to their errors. */
export function groupByRow(errors: readonly CellError[]): Map<number, CellError[]> {
  const errorsByRow = new Map<number, CellError[]>()
  for (const error of errors) {
    const rowErrors = errorsByRow.get(error.row.id)
    if (rowErrors) rowErrors.push(error)
    else errorsByRow.set(error.row.id, [error])
  }
  return errorsByRow
}

/** mergeErrors returns all errors of the first list, and those of each further list at other cells. */
export function mergeErrors(...lists: (readonly CellError[])[]): CellError[] {
  const cells = new Set<string>()
  return lists.flatMap((errors) => {
    const added = errors.filter(({ row, column }) => !cells.has(`${row.id} ${column}`))
    for (const { row, column } of added) cells.add(`${row.id} ${column}`)
    return added
  })
}

/** LocatedError is a current error with its cell. The position of an error of a whole row is its first cell. */
export interface LocatedError {
  error: CellError
  position: CellPosition
}

/** locateErrors returns the errors that still hold, in the order of the rows. */
export function locateErrors(rows: readonly SheetRow[], errorsByRow: Map<number, CellError[]>): LocatedError[] {
  if (errorsByRow.size === 0) return []
  return rows.flatMap((row, index) =>
    (errorsByRow.get(row.id) ?? [])
      .filter((error) => isCurrent(error, row))
      .sort((a, b) => (a.column ?? -1) - (b.column ?? -1))
      .map((error) => ({ error, position: { row: index, column: error.column ?? 0 } })),
  )
}
