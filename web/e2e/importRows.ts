import type { Server } from './server'

type Cell = string | number | null
export type Row = Record<string, Cell>

/** importRows stores rows with the import command, as an operator would. */
export function importRows(server: Server, table: string, rows: readonly object[]) {
  server.run(['import', table, '-'], toCsv(rows))
}

function toCsv(rows: readonly object[]): string {
  const names = Object.keys(rows[0] ?? {})
  const quote = (cell: Cell | undefined) => (cell === null ? '' : `"${String(cell).replaceAll('"', '""')}"`)
  const line = (row: object) => names.map((name) => quote((row as Row)[name]))
  return [names, ...rows.map(line)].map((cells) => cells.join(',')).join('\n')
}
