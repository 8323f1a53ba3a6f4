import type { Sheet } from './sheet'

// Positions and ranges of cells, and how keys move between cells.

export interface CellPosition {
  readonly row: number
  readonly column: number
}

/** CellRange includes its borders. */
export interface CellRange {
  top: number
  left: number
  bottom: number
  right: number
}

/** selectedRange returns the range between the active cell and its opposite corner. */
export function selectedRange({ active, rangeEnd }: Pick<Sheet, 'active' | 'rangeEnd'>): CellRange {
  return {
    top: Math.min(active.row, rangeEnd.row),
    left: Math.min(active.column, rangeEnd.column),
    bottom: Math.max(active.row, rangeEnd.row),
    right: Math.max(active.column, rangeEnd.column),
  }
}

const clamp = (value: number, count: number) => Math.max(0, Math.min(value, count - 1))

/** Bounds are the numbers of rows and columns of a grid, such as a sheet. */
export interface Bounds {
  readonly rows: { readonly length: number }
  readonly columnCount: number
}

/** clampPosition returns the nearest position within a grid. */
export function clampPosition(
  { rows, columnCount }: Bounds,
  { row, column }: CellPosition,
): CellPosition {
  return { row: clamp(row, rows.length), column: clamp(column, columnCount) }
}

const pageRows = 15

/** keyTarget returns the position to which a key moves from another position, or undefined for other keys. */
export function keyTarget(
  { rows, columnCount }: Bounds,
  { row, column }: CellPosition,
  { key, isControl }: { key: string; isControl: boolean },
): CellPosition | undefined {
  const lastRow = rows.length - 1
  const lastColumn = columnCount - 1
  const targets: Record<string, CellPosition> = {
    ArrowUp: { row: isControl ? 0 : row - 1, column },
    ArrowDown: { row: isControl ? lastRow : row + 1, column },
    ArrowLeft: { row, column: isControl ? 0 : column - 1 },
    ArrowRight: { row, column: isControl ? lastColumn : column + 1 },
    Home: { row: isControl ? 0 : row, column: 0 },
    End: { row: isControl ? lastRow : row, column: lastColumn },
    PageUp: { row: row - pageRows, column },
    PageDown: { row: row + pageRows, column },
  }
  const target = targets[key]
  return target && clampPosition({ rows, columnCount }, target)
}

/** stepTarget returns the next or previous cell in reading order, or undefined at the ends of the sheet. */
export function stepTarget({ rows, columnCount, active }: Sheet, direction: 1 | -1): CellPosition | undefined {
  const index = active.row * columnCount + active.column + direction
  if (index < 0 || index >= rows.length * columnCount) return undefined
  return { row: Math.floor(index / columnCount), column: index % columnCount }
}
