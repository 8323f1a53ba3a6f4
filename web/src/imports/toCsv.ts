import Papa from 'papaparse'

import type { SheetRow } from '../editableGrid/sheet'
import { countLineBreaks } from './readRecords'

/** SheetCsv is a CSV file of rows. findRow returns the row of a line, as the server counts lines. */
export interface SheetCsv {
  text: string
  findRow: (line: number) => SheetRow | undefined
}

/** toCsv returns rows as a CSV file. getText returns the text of a cell to send. */
export function toCsv(
  header: readonly string[],
  rows: readonly SheetRow[],
  getText: (text: string, column: number) => string,
): SheetCsv {
  const records = rows.map(({ cells }) => cells.map(getText))
  const rowsByLine = new Map<number, SheetRow>()
  let line = 1 + countLineBreaks(header) + 1
  for (const [i, row] of rows.entries()) {
    rowsByLine.set(line, row)
    line += 1 + countLineBreaks(records[i] ?? [])
  }
  return {
    text: Papa.unparse([header, ...records] as string[][], { newline: '\n' }),
    findRow: (errorLine) => rowsByLine.get(errorLine),
  }
}
