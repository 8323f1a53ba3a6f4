import type { Schemas } from '../api/client'
import { Problem, toProblem } from '../api/problem'
import { upload } from '../api/upload'
import { cellText, type CSVRecord, detectDelimiter, isBlank, readRecords } from './csv'
import { type ColumnPlan, mapColumns } from './mapColumns'

/** ImportSource is a chosen file with its header and first rows. */
export interface ImportSource {
  file: File
  delimiter: number
  header: string[]
  rows: SourceRow[]
}

export interface SourceRow {
  line: number
  cells: string[]
}

const previewRowCount = 10

/** openFile reads the header and the first rows of a file. */
export async function openFile(file: File): Promise<ImportSource> {
  const delimiter = await detectDelimiter(file)
  const records: SourceRow[] = []
  await forEachRecord(file, delimiter, (record) => {
    if (!isBlank(record)) records.push(toRow(record))
    return records.length <= previewRowCount
  })
  const [header, ...rows] = records
  return { file, delimiter, header: header?.cells ?? [], rows }
}

/** readRows returns the rows that start at the given lines. */
export async function readRows({ file, delimiter }: ImportSource, lines: Set<number>): Promise<SourceRow[]> {
  const rows: SourceRow[] = []
  await forEachRecord(file, delimiter, (record) => {
    if (lines.has(record.line)) rows.push(toRow(record))
    return rows.length < lines.size
  })
  return rows
}

async function forEachRecord(file: Blob, delimiter: number, callback: (record: CSVRecord) => boolean) {
  for await (const batch of readRecords(file, delimiter)) for (const record of batch) if (!callback(record)) return
}

const toRow = ({ line, cells }: CSVRecord): SourceRow => ({ line, cells: cells.map(cellText) })

/** ImportStep is the progress of an import: the app reads the file, uploads it, and waits for the server. */
export type ImportStep = { phase: 'reading' | 'sending'; fraction: number } | { phase: 'waiting' }

export type ImportResult = Schemas['Stored'] & { requestId: string | undefined }

/** buildUpload returns the request body. The check and the import send the same body. */
export async function buildUpload(
  { file }: ImportSource,
  plan: ColumnPlan,
  onStep: (step: ImportStep) => void,
  signal: AbortSignal,
): Promise<Blob> {
  try {
    return new Blob([await mapColumns(file, plan, (fraction) => onStep({ phase: 'reading', fraction }), signal)], {
      type: 'text/csv',
    })
  } catch (error) {
    if (signal.aborted) throw error
    throw new Problem({
      status: -1,
      title: 'Cannot read the file',
      detail: `The file may have changed. Choose it again. (${toProblem(error).message})`,
    })
  }
}

/** importRows sends rows to the server, which stores all or none. dryRun only checks them. */
export async function importRows(
  targetName: string,
  body: Blob,
  dryRun: boolean,
  onStep: (step: ImportStep) => void,
  signal: AbortSignal,
): Promise<ImportResult> {
  const onProgress = (fraction: number) => onStep(fraction < 1 ? { phase: 'sending', fraction } : { phase: 'waiting' })
  const response = await upload<Schemas['Stored']>(
    `/api/v1/${targetName}${dryRun ? '?dry_run=true' : ''}`,
    body,
    onProgress,
    signal,
  )
  return { ...response.body, requestId: response.requestId }
}
