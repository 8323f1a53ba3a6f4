import { clampPosition, type CellPosition, selectedRange } from './selection'

// The state of an editable grid. All values are immutable, so that undo only restores earlier rows.

/** SheetRow is a row of a sheet. Its ID stays the same when rows before it are added or removed. */
export interface SheetRow {
  readonly id: number
  /** May be shorter than the columns: missing cells are empty. */
  readonly cells: readonly string[]
}

/** Block is a rectangle of new texts. undefined keeps the text of a cell. */
export type Block = readonly (readonly (string | undefined)[])[]

export interface Sheet {
  readonly columnCount: number
  readonly maxRows: number
  readonly rows: readonly SheetRow[]
  /** The cell with the focus. */
  readonly active: CellPosition
  /** The corner of the selected range opposite to the active cell. */
  readonly rangeEnd: CellPosition
  /** The active cell is being edited. The editor holds its new text. */
  readonly isEditing: boolean
  /** The column where Tab was first pressed; Enter returns to it. */
  readonly entryColumn: number | undefined
  readonly past: readonly (readonly SheetRow[])[]
  readonly future: readonly (readonly SheetRow[])[]
  readonly nextId: number
  /** What the last action did, for screen readers, such as "Pasted 20 rows". */
  readonly notice: string
}

const maxUndoSteps = 100

/** createSheet returns a sheet with the given rows, or with one empty row. */
export function createSheet(columnCount: number, cells: readonly (readonly string[])[], maxRows: number): Sheet {
  const rows = (cells.length > 0 ? cells : [[]]).map((row, id) => ({ id, cells: row }))
  return {
    columnCount,
    maxRows,
    rows,
    active: { row: 0, column: 0 },
    rangeEnd: { row: 0, column: 0 },
    isEditing: false,
    entryColumn: undefined,
    past: [],
    future: [],
    nextId: rows.length,
    notice: '',
  }
}

export const isBlank = ({ cells }: SheetRow): boolean => cells.every((cell) => cell.trim() === '')

/** cellText returns the text of a cell, or '' for a missing cell. */
export const cellText = ({ rows }: Sheet, { row, column }: CellPosition): string => rows[row]?.cells[column] ?? ''

/** selectCell selects one cell. */
export function selectCell(sheet: Sheet, position: CellPosition): Sheet {
  const active = clampPosition(sheet, position)
  return { ...sheet, active, rangeEnd: active, isEditing: false }
}

/** setRows replaces the rows and remembers the previous ones for undo. */
function setRows(sheet: Sheet, rows: readonly SheetRow[], notice = ''): Sheet {
  if (rows === sheet.rows) return { ...sheet, notice }
  const past = [...sheet.past, sheet.rows].slice(-maxUndoSteps)
  return clampSelection({ ...sheet, rows, past, future: [], isEditing: false, notice })
}

function clampSelection(sheet: Sheet): Sheet {
  return {
    ...sheet,
    active: clampPosition(sheet, sheet.active),
    rangeEnd: clampPosition(sheet, sheet.rangeEnd),
  }
}

/** appendRows adds empty rows at the end, as far as the sheet may grow. Adding alone is no step of undo. */
export function appendRows(sheet: Sheet, count: number): Sheet {
  const length = Math.min(count, sheet.maxRows - sheet.rows.length)
  if (length <= 0) return sheet
  const added = Array.from({ length }, (_, i) => ({ id: sheet.nextId + i, cells: [] }))
  return { ...sheet, rows: [...sheet.rows, ...added], nextId: sheet.nextId + length }
}

/** writeBlock writes texts from a cell on and appends the rows that they need. Texts outside of the sheet are lost. */
export function writeBlock(sheet: Sheet, start: CellPosition, block: Block, notice = ''): Sheet {
  const grown = appendRows(sheet, start.row + block.length - sheet.rows.length)
  const rows = grown.rows.map((row, i) => {
    const texts = block[i - start.row]
    return texts ? writeRow(row, start.column, texts, sheet.columnCount) : row
  })
  return setRows({ ...grown, rows: sheet.rows }, rows.every((row, i) => row === sheet.rows[i]) ? sheet.rows : rows, notice)
}

/** writeRow returns the row itself if no text changes. */
function writeRow(
  row: SheetRow,
  startColumn: number,
  texts: readonly (string | undefined)[],
  columnCount: number,
): SheetRow {
  const cells = Array.from(
    { length: Math.max(columnCount, row.cells.length) },
    (_, column) => (column < columnCount ? texts[column - startColumn] : undefined) ?? row.cells[column] ?? '',
  )
  return cells.every((cell, column) => cell === (row.cells[column] ?? '')) ? row : { ...row, cells }
}

/** paste writes a block at the selected range and selects it. A single text fills the range. */
export function paste(sheet: Sheet, block: Block): Sheet {
  const { top, left, bottom, right } = selectedRange(sheet)
  const single = block.length === 1 && block[0]?.length === 1 ? block[0][0] : undefined
  if (single !== undefined) return fillRange(sheet, () => single, countNotice('Pasted', bottom - top + 1, 'row'))
  const width = Math.max(...block.map(({ length }) => length))
  const written = writeBlock(sheet, { row: top, column: left }, block)
  const lostRows = top + block.length - written.rows.length
  const lostColumns = left + width - sheet.columnCount
  const notice = [
    countNotice('Pasted', block.length - Math.max(0, lostRows), 'row'),
    lostRows > 0 && countNotice('Too many rows: left out', lostRows, 'row'),
    lostColumns > 0 && countNotice('Left out', lostColumns, 'column'),
  ]
  return {
    ...selectCell(written, { row: top, column: left }),
    rangeEnd: clampPosition(written, {
      row: Math.max(bottom, top + block.length - 1),
      column: Math.max(right, left + width - 1),
    }),
    notice: notice.filter(Boolean).join('. '),
  }
}

function fillRange(sheet: Sheet, getText: (position: CellPosition) => string, notice: string): Sheet {
  const { top, left, bottom, right } = selectedRange(sheet)
  const block = Array.from({ length: bottom - top + 1 }, (_, row) =>
    Array.from({ length: right - left + 1 }, (_, column) => getText({ row: top + row, column: left + column })),
  )
  return writeBlock(sheet, { row: top, column: left }, block, notice)
}

/** clearCells empties the selected cells. */
export const clearCells = (sheet: Sheet): Sheet => fillRange(sheet, () => '', 'Cleared')

/**
 * fillDown copies the first row of the selected range to the other rows of the range. A range of one row is copied to
 * all rows below, up to the last one that has any text.
 */
export function fillDown(sheet: Sheet): Sheet {
  const { top, left, bottom, right } = selectedRange(sheet)
  const end = bottom > top ? bottom : sheet.rows.findLastIndex((row) => !isBlank(row))
  if (end <= top) return { ...sheet, notice: 'No rows below to fill' }
  const texts = Array.from({ length: right - left + 1 }, (_, i) => cellText(sheet, { row: top, column: left + i }))
  const block = Array.from({ length: end - top }, () => texts)
  return writeBlock(sheet, { row: top + 1, column: left }, block, countNotice('Filled', end - top, 'row'))
}

/** copyFromAbove copies the row above the selected range into the range. */
export function copyFromAbove(sheet: Sheet): Sheet {
  const { top } = selectedRange(sheet)
  if (top === 0) return sheet
  return fillRange(sheet, ({ column }) => cellText(sheet, { row: top - 1, column }), 'Copied from above')
}

/** fillColumn writes texts into the active column, from the first selected row on. */
export function fillColumn(sheet: Sheet, texts: readonly string[]): Sheet {
  const { top } = selectedRange(sheet)
  const { column } = sheet.active
  const block = texts.map((text) => [text])
  const written = writeBlock(sheet, { row: top, column }, block, countNotice('Filled', texts.length, 'row'))
  return { ...written, active: { row: top, column }, rangeEnd: clampPosition(written, { row: top + texts.length - 1, column }) }
}

/** removeRows removes the selected rows. One empty row remains. */
export function removeRows(sheet: Sheet): Sheet {
  const { top, bottom } = selectedRange(sheet)
  const rest = sheet.rows.filter((_, i) => i < top || i > bottom)
  const rows = rest.length > 0 ? rest : [{ id: sheet.nextId, cells: [] }]
  const removed = setRows(sheet, rows, countNotice('Removed', bottom - top + 1, 'row'))
  const active = clampPosition(removed, { row: top, column: sheet.active.column })
  return { ...removed, nextId: sheet.nextId + 1, active, rangeEnd: active }
}

/** replaceText replaces a text in all cells of a column that contain exactly this text. */
export function replaceText(sheet: Sheet, column: number, from: string, to: string): Sheet {
  const rows = sheet.rows.map((row) =>
    (row.cells[column] ?? '').trim() === from ? writeRow(row, column, [to], sheet.columnCount) : row,
  )
  return setRows(sheet, rows)
}

/** undo restores the rows before the last change; redo restores the rows before the last undo. */
export function undo(sheet: Sheet): Sheet {
  const rows = sheet.past.at(-1)
  if (!rows) return { ...sheet, notice: 'Nothing to undo' }
  const future = [sheet.rows, ...sheet.future]
  return clampSelection({ ...sheet, rows, past: sheet.past.slice(0, -1), future, isEditing: false, notice: 'Undone' })
}

export function redo(sheet: Sheet): Sheet {
  const [rows, ...future] = sheet.future
  if (!rows) return { ...sheet, notice: 'Nothing to redo' }
  return clampSelection({ ...sheet, rows, past: [...sheet.past, sheet.rows], future, isEditing: false, notice: 'Redone' })
}

const countNotice = (verb: string, count: number, noun: string) =>
  `${verb} ${count.toLocaleString('en')} ${noun}${count === 1 ? '' : 's'}`
