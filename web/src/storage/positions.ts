import type { Content } from './api'

// Positions of a grid, and what lies at each of them. The names of positions follow the server: position_label in
// schema/.

/** GridShape is the grid of a container. */
export interface GridShape {
  rows: number
  columns: number
  scheme: string
  /** Positions that cannot be used: "C3, C4". */
  blocked: string | null
}

/** toGridShape returns the grid of a container, or undefined if it has none. */
export function toGridShape({
  rows,
  columns,
  scheme = 'A1',
  blocked = null,
}: {
  rows: number | null
  columns: number | null
  scheme?: string | null
  blocked?: string | null
}): GridShape | undefined {
  return rows === null || columns === null ? undefined : { rows, columns, scheme: scheme ?? 'A1', blocked }
}

/** rowLetters names a row like a column of a spreadsheet: A, …, Z, AA, AB, … Rows count from 1. */
export const rowLetters = (row: number): string =>
  (row > 26 ? String.fromCharCode(64 + Math.floor((row - 1) / 26)) : '') + String.fromCharCode(65 + ((row - 1) % 26))

/** positionLabel names a position. Rows and columns count from 1. */
export function positionLabel({ scheme, columns }: GridShape, row: number, column: number): string {
  if (scheme === '1-1') return `${row}-${column}`
  if (scheme === '1') return String((row - 1) * columns + column)
  return `${rowLetters(row)}${column}`
}

/** rowLabel names a row in the margin of a grid. */
export function rowLabel(grid: GridShape, row: number): string {
  if (grid.scheme === '1-1') return String(row)
  return grid.scheme === '1' ? positionLabel(grid, row, 1) : rowLetters(row)
}

/** columnLabel names a column in the margin of a grid. Numbers that run row by row have no columns. */
export const columnLabel = ({ scheme }: GridShape, column: number): string => (scheme === '1' ? '' : String(column))

export type CellState = 'free' | 'blocked' | 'stored' | 'reserved' | 'missing'

/** Cell is a position with what lies there. */
export interface Cell {
  row: number
  column: number
  label: string
  state: CellState
  content?: Content
}

/** contentState returns the state of the position of a container. */
export function contentState({ status }: Pick<Content, 'status'>): CellState {
  if (status === 'checked_out') return 'reserved'
  return status === 'missing' ? 'missing' : 'stored'
}

/** buildCells returns the cells of a grid, row by row. */
export function buildCells(grid: GridShape, contents: readonly Content[]): Cell[][] {
  const blocked = new Set(grid.blocked?.split(',').map((label) => label.trim()))
  const byPlace = new Map(
    contents.map((content) => [`${content.position_row} ${content.position_column}`, content] as const),
  )
  return Array.from({ length: grid.rows }, (_, i) =>
    Array.from({ length: grid.columns }, (_, j): Cell => {
      const [row, column] = [i + 1, j + 1]
      const label = positionLabel(grid, row, column)
      const content = byPlace.get(`${row} ${column}`)
      if (content) return { row, column, label, state: contentState(content), content }
      return { row, column, label, state: blocked.has(label) ? 'blocked' : 'free' }
    }),
  )
}

/** listFree returns the names of the free positions, row by row. */
export const listFree = (cells: readonly (readonly Cell[])[]): string[] =>
  cells.flatMap((row) => row.filter(({ state }) => state === 'free').map(({ label }) => label))

/** summarizeRange counts what lies in a range of cells: "12 positions: 8 containers, 4 free". */
export function summarizeRange(cells: readonly Cell[]): string {
  const taken = cells.filter(({ content }) => content).length
  const free = cells.filter(({ state }) => state === 'free').length
  const parts = [taken > 0 && (taken === 1 ? '1 container' : `${taken} containers`), free > 0 && `${free} free`]
  return `${cells.length} positions: ${parts.filter(Boolean).join(', ') || 'blocked'}`
}
