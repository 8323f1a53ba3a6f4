import type { Schemas } from '../api/client'
import { Problem, toProblem } from '../api/problem'
import { upload } from '../api/upload'
import { type CSVRecord, detectDelimiter, findForeignFormat, readRecords } from './csv'

/** ImportSource is a chosen file with its header and first rows. */
export interface ImportSource {
  file: File
  /** What is wrong with a file that cannot be shown. */
  problem: string | undefined
  delimiter: string
  header: string[]
  rows: CSVRecord[]
}

const previewRowCount = 10

/** openFile reads the header and the first rows of a file. */
export async function openFile(file: File): Promise<ImportSource> {
  const foreignFormat = await findForeignFormat(file)
  if (foreignFormat) return { file, problem: foreignFormat, delimiter: '', header: [], rows: [] }
  const delimiter = await detectDelimiter(file)
  const records: CSVRecord[] = []
  await forEachRecord(file, delimiter, (record) => records.push(record) <= previewRowCount)
  const [header, ...rows] = records
  return {
    file,
    problem: header ? undefined : 'is empty.',
    delimiter,
    header: trimHeader(header?.cells ?? []),
    rows,
  }
}

/** trimHeader removes spaces around names, and columns without a name at the end, like the server. */
function trimHeader(cells: string[]): string[] {
  const names = cells.map((cell) => cell.replaceAll(/^[\s\ufeff]+|[\s\ufeff]+$/g, ''))
  return names.slice(0, names.findLastIndex((name) => name !== '') + 1)
}

/** readRows returns the rows that start at the given lines. */
export async function readRows({ file, delimiter }: ImportSource, lines: Set<number>): Promise<CSVRecord[]> {
  const rows: CSVRecord[] = []
  await forEachRecord(file, delimiter, (record) => {
    if (lines.has(record.line)) rows.push(record)
    return rows.length < lines.size
  })
  return rows
}

async function forEachRecord(file: Blob, delimiter: string, callback: (record: CSVRecord) => boolean) {
  for await (const batch of readRecords(file, delimiter)) for (const record of batch) if (!callback(record)) return
}

/** ImportStep is the progress of an import: the app uploads the file, and waits for the server. */
export type ImportStep = { phase: 'sending'; fraction: number } | { phase: 'waiting' }

export type ImportResult = Schemas['Stored'] & { requestId: string | undefined }

/**
 * importFile sends a file to the server, which stores all rows or none. columns are the fields of the columns of the
 * file; undefined ignores a column. dryRun only checks the rows. The browser rejects a file that has changed since it
 * was chosen, so the check and the import send the same rows.
 */
export async function importFile(
  targetName: string,
  file: File,
  columns: (string | undefined)[],
  dryRun: boolean,
  onStep: (step: ImportStep) => void,
  signal: AbortSignal,
): Promise<ImportResult> {
  const onProgress = (fraction: number) => onStep(fraction < 1 ? { phase: 'sending', fraction } : { phase: 'waiting' })
  const query = new URLSearchParams({ columns: columns.join(','), ...(dryRun && { dry_run: 'true' }) })
  const body = file.slice(0, file.size, 'text/csv')
  try {
    const response = await upload<Schemas['Stored']>(`/api/v1/${targetName}?${query}`, body, onProgress, signal)
    return { ...response.body, requestId: response.requestId }
  } catch (error) {
    if (!signal.aborted) await expectReadable(file)
    throw error
  }
}

/** expectReadable throws a problem if the file has changed. The browser reports a failed upload as a network error. */
async function expectReadable(file: File) {
  try {
    await file.slice(0, 1).arrayBuffer()
  } catch (error) {
    throw new Problem({
      status: -1,
      title: 'Cannot read the file',
      detail: `The file may have changed. Choose it again. (${toProblem(error).message})`,
    })
  }
}
