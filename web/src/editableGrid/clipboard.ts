import Papa from 'papaparse'

import { matchHeader } from './matchHeader'
import type { Block } from './sheet'

// Cells on the clipboard are text with tabs between cells, as spreadsheets write and read it.

/** Pasted is the content of the clipboard. isWholeRow: the cells begin in the first column, whatever cell is active. */
export interface Pasted {
  block: Block
  isWholeRow: boolean
}

/**
 * parseClipboard returns the cells of a copied text. fields are the names and labels of the columns. Commas separate
 * cells only below a header that names columns, because descriptions contain commas. Such a header also assigns the
 * cells to columns, and it is left out.
 */
export function parseClipboard(text: string, fields: Record<string, string>): Pasted {
  const cells = splitCells(text, '\t')
  if (cells.length < 2) return { block: cells, isWholeRow: false }
  for (const delimiter of ['\t', ';', ',']) {
    const [header = [], ...rows] = delimiter === '\t' ? cells : splitCells(text, delimiter)
    const matches = matchHeader(header, fields)
    if (matches.every(Boolean))
      return {
        block: rows.map((row) => Object.keys(fields).map((name) => row[matches.indexOf(name)])),
        isWholeRow: true,
      }
  }
  return { block: cells, isWholeRow: false }
}

function splitCells(text: string, delimiter: string): string[][] {
  const lines = text.replaceAll(/\r\n?/g, '\n').replace(/\n$/, '')
  const { data, errors } = Papa.parse<string[]>(lines, { delimiter, newline: '\n' })
  // A quote that does not end, such as an inch sign, is a part of the text.
  if (errors.some(({ type }) => type === 'Quotes')) return lines.split('\n').map((line) => line.split(delimiter))
  return data.length > 0 ? data : [['']]
}

/** formatClipboard returns cells as a text that spreadsheets read. Several rows all end with a line break. */
export function formatClipboard(cells: string[][]): string {
  const quote = (cell: string) => (/["\t\n\r]/.test(cell) ? `"${cell.replaceAll('"', '""')}"` : cell)
  const lines = cells.map((row) => row.map(quote).join('\t'))
  return lines.length === 1 ? lines.join('') : lines.map((line) => `${line}\r\n`).join('')
}
