import { type Schemas, unwrapWritten } from '../api/client'

/** Added is the result of adding rows in one request. The request ID finds the changes in Activity. */
export interface Added {
  count: number
  requestId: string | undefined
}

/** NewRow has the text of each column, or null for an empty cell. */
export type NewRow = Record<string, string | null>

/** AddOptions: a repeated request with the same key adds nothing; a dry run only checks the rows. */
export interface AddOptions {
  idempotencyKey: string
  dryRun: boolean
}

/** addParams returns the parameters of a POST of several rows. */
export const addParams = ({ idempotencyKey, dryRun }: AddOptions) => ({
  header: { 'Idempotency-Key': idempotencyKey },
  query: { dry_run: dryRun },
})

/** unwrapAdded returns the result of a POST of several rows. The server stores all rows or none. */
export async function unwrapAdded(
  call: Promise<{ data?: unknown; error?: unknown; response: Response }>,
): Promise<Added> {
  const { created, requestId } = await unwrapWritten(call as Promise<{ data?: Schemas['Stored']; response: Response }>)
  return { count: created, requestId }
}
