import { asProblem, Problem } from '../api/problem'
import type { Schemas } from '../api/client'
import { post } from '../api/upload'
import { type CSVRecord, delimiterOf, isBlank, records, text } from './csv'
import { mapped, type Plan } from './mapColumns'

/** A Source is a file that was chosen, and how it begins. */
export interface Source {
  file: File
  delimiter: number
  header: string[]
  rows: Row[]
}

export interface Row {
  line: number
  cells: string[]
}

const previewed = 10

/** open reads the beginning of a file. */
export async function open(file: File): Promise<Source> {
  const delimiter = await delimiterOf(file)
  const found: Row[] = []
  await eachRecord(file, delimiter, (record) => {
    if (!isBlank(record)) found.push(rowOf(record))
    return found.length <= previewed
  })
  const [header, ...rows] = found
  return { file, delimiter, header: header?.cells ?? [], rows }
}

/** readLines reads the rows that begin at some lines. */
export async function readLines({ file, delimiter }: Source, lines: Set<number>): Promise<Row[]> {
  const found: Row[] = []
  await eachRecord(file, delimiter, (record) => {
    if (lines.has(record.line)) found.push(rowOf(record))
    return found.length < lines.size
  })
  return found
}

async function eachRecord(file: Blob, delimiter: number, take: (record: CSVRecord) => boolean) {
  for await (const batch of records(file, delimiter)) for (const record of batch) if (!take(record)) return
}

const rowOf = ({ line, cells }: CSVRecord): Row => ({ line, cells: cells.map(text) })

/** How far an import is: the file is read here, then sent, then the server works. */
export type Step = { doing: 'reading' | 'sending'; part: number } | { doing: 'waiting' }

export type Result = Schemas['Stored'] & { requestId: string | undefined }

/** prepare makes what is sent; the same is checked and then stored. */
export async function prepare({ file }: Source, plan: Plan, step: (step: Step) => void, signal: AbortSignal): Promise<Blob> {
  try {
    return new Blob([await mapped(file, plan, (part) => step({ doing: 'reading', part }), signal)], { type: 'text/csv' })
  } catch (thrown) {
    if (signal.aborted) throw thrown
    throw new Problem({ status: -1, title: 'The file cannot be read', detail: `Perhaps it has changed: choose it again. (${asProblem(thrown).message})` })
  }
}

/** store sends rows to be stored, all or none; with dryRun the server only says what it would do. */
export async function store(kind: string, body: Blob, dryRun: boolean, step: (step: Step) => void, signal: AbortSignal): Promise<Result> {
  const sent = (part: number) => step(part < 1 ? { doing: 'sending', part } : { doing: 'waiting' })
  const answer = await post<Schemas['Stored']>(`/api/v1/${kind}${dryRun ? '?dry_run=true' : ''}`, body, sent, signal)
  return { ...answer.body, requestId: answer.requestId }
}
