import { detectDelimiter, findForeignFormat } from './fileFormat'
import { type CSVRecord, MalformedCSV, readRecords } from './readRecords'

/** ImportSource is a chosen file with its header and first rows. */
export interface ImportSource {
  file: File
  /** What is wrong with a file that cannot be shown. */
  problem: string | undefined
  delimiter: string
  header: string[]
  /** All rows of a file that can be edited in a grid, or the first rows of another file. */
  rows: CSVRecord[]
  /** The grid can show all rows, and the server would read the same rows. */
  isEditable: boolean
}

const maxEditableRows = 2000
const previewRowCount = 10

/** openFile reads the rows of a file, or only the first rows if the file is long or malformed. */
export async function openFile(file: File): Promise<ImportSource> {
  const foreignFormat = await findForeignFormat(file)
  const source = { file, delimiter: ',', header: [], rows: [], isEditable: false }
  if (foreignFormat) return { ...source, problem: foreignFormat }
  const delimiter = await detectDelimiter(file)
  let [header, ...rows] = await readFirst(file, delimiter, maxEditableRows + 2)
  const isEditable = header !== undefined && rows.length <= maxEditableRows
  if (!isEditable) [header, ...rows] = await readFirst(file, delimiter, previewRowCount + 1, false)
  if (!header) return { ...source, problem: 'is empty.' }
  return { file, problem: undefined, delimiter, header: trimHeader(header.cells), rows, isEditable }
}

/** readFirst returns the first records, or none of a malformed file if it is strict. */
async function readFirst(file: File, delimiter: string, count: number, isStrict = true): Promise<CSVRecord[]> {
  const records: CSVRecord[] = []
  try {
    for await (const batch of readRecords(file, { delimiter, isStrict })) {
      records.push(...batch.slice(0, count - records.length))
      if (records.length === count) break
    }
  } catch (error) {
    if (!(error instanceof MalformedCSV)) throw error
    return []
  }
  return records
}

/** trimHeader removes spaces around names, and columns without a name at the end, like the server. */
function trimHeader(cells: string[]): string[] {
  const names = cells.map((cell) => cell.replaceAll(/^[\s\ufeff]+|[\s\ufeff]+$/g, ''))
  return names.slice(0, names.findLastIndex((name) => name !== '') + 1)
}

/** readRows returns the rows that start at the given lines. */
export async function readRows({ file, delimiter }: ImportSource, lines: Set<number>): Promise<CSVRecord[]> {
  const rows: CSVRecord[] = []
  for await (const batch of readRecords(file, { delimiter })) {
    rows.push(...batch.filter(({ line }) => lines.has(line)))
    if (rows.length === lines.size) break
  }
  return rows
}
