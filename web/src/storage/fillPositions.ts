import { type Block, isBlank, type Sheet, writeBlock } from '../editableGrid/sheet'

/**
 * fillPositions writes free positions into the empty cells of a column, in order: of the rows with any text, or of new
 * rows if there are none. Positions that the column already has are left out.
 */
export function fillPositions(sheet: Sheet, column: number, free: readonly string[]): Sheet {
  const used = new Set(sheet.rows.map(({ cells }) => cells[column]?.trim().toUpperCase()))
  const rest = free.filter((label) => !used.has(label.toUpperCase()))
  const isEmpty = sheet.rows.every(isBlank)
  const rows = isEmpty ? rest.map(() => undefined) : sheet.rows
  let filled = 0
  const block: Block = rows.map((row) => {
    const needsPosition = !row || (!isBlank(row) && !row.cells[column]?.trim())
    const label = needsPosition ? rest[filled] : undefined
    if (label !== undefined) filled++
    return [label]
  })
  const notice = filled === 1 ? 'Filled 1 position' : `Filled ${filled.toLocaleString('en')} positions`
  return writeBlock(sheet, { row: 0, column }, block, filled === 0 ? 'No position to fill' : notice)
}
