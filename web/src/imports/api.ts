import type { Schemas } from '../api/client'
import { Problem, toProblem } from '../api/problem'
import { upload } from '../api/upload'

/** ImportStep is the progress of an import: the app uploads the rows, and waits for the server. */
export type ImportStep = { phase: 'sending'; fraction: number } | { phase: 'waiting' }

export type ImportResult = Schemas['Stored'] & { requestId: string | undefined }

/** ImportBody is what is sent to the server, unchanged from the check to the import. */
export interface ImportBody {
  content: Blob
  /** The field of each column; undefined ignores a column. */
  columns: readonly (string | undefined)[]
}

interface ImportOptions {
  /** Only checks the rows. */
  dryRun: boolean
  /** A repeated import with the same key stores nothing. */
  idempotencyKey: string
  onStep: (step: ImportStep) => void
  signal: AbortSignal
}

/**
 * importRows sends rows to the server, which stores all of them or none. The browser rejects a file that has changed
 * since it was chosen, so the check and the import send the same rows.
 */
export async function importRows(
  targetName: string,
  { content, columns }: ImportBody,
  { dryRun, idempotencyKey, onStep, signal }: ImportOptions,
): Promise<ImportResult> {
  const onProgress = (fraction: number) => onStep(fraction < 1 ? { phase: 'sending', fraction } : { phase: 'waiting' })
  const query = new URLSearchParams({ columns: columns.join(','), ...(dryRun && { dry_run: 'true' }) })
  const body = content.slice(0, content.size, 'text/csv')
  try {
    const response = await upload<Schemas['Stored']>(`/api/v1/${targetName}?${query}`, body, onProgress, signal, {
      'Idempotency-Key': idempotencyKey,
    })
    return { ...response.body, requestId: response.requestId }
  } catch (error) {
    if (!signal.aborted) await expectReadable(content)
    throw error
  }
}

/** expectReadable throws a problem if the file has changed. The browser reports a failed upload as a network error. */
async function expectReadable(content: Blob) {
  try {
    await content.slice(0, 1).arrayBuffer()
  } catch (error) {
    throw new Problem({
      status: -1,
      title: 'Cannot read the file',
      detail: `The file may have changed. Choose it again. (${toProblem(error).message})`,
    })
  }
}
