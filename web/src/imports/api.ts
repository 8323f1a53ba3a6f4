import type { Schemas } from '../api/client'
import { Problem, toProblem } from '../api/problem'
import { upload } from '../api/upload'
import { cellText, type CSVRecord, detectDelimiter, isBlank, readRecords } from './csv'
import { type ColumnPlan, mapColumns } from './mapColumns'

/** A ImportSource is a file that was chosen, and how it begins. */
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

/** openFile reads the beginning of a file. */
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

/** readRows reads the rows that begin at some lines. */
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

/** How far an import is: the file is read here, then sent, then the server works. */
export type ImportStep = { phase: 'reading' | 'sending'; fraction: number } | { phase: 'waiting' }

export type ImportResult = Schemas['Stored'] & { requestId: string | undefined }

/** buildUpload makes what is sent; the same is checked and then stored. */
export async function buildUpload({ file }: ImportSource, mapping: ColumnPlan, onStep: (onStep: ImportStep) => void, signal: AbortSignal): Promise<Blob> {
  try {
    return new Blob([await mapColumns(file, mapping, (fraction) => onStep({ phase: 'reading', fraction }), signal)], { type: 'text/csv' })
  } catch (error) {
    if (signal.aborted) throw error
    throw new Problem({ status: -1, title: 'The file cannot be read', detail: `Perhaps it has changed: choose it again. (${toProblem(error).message})` })
  }
}

/** importRows sends rows to be stored, all or none; with dryRun the server only says what it would do. */
export async function importRows(targetName: string, body: Blob, dryRun: boolean, onStep: (onStep: ImportStep) => void, signal: AbortSignal): Promise<ImportResult> {
  const onProgress = (fraction: number) => onStep(fraction < 1 ? { phase: 'sending', fraction } : { phase: 'waiting' })
  const response = await upload<Schemas['Stored']>(`/api/v1/${targetName}${dryRun ? '?dry_run=true' : ''}`, body, onProgress, signal)
  return { ...response.body, requestId: response.requestId }
}
