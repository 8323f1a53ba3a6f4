import { useMutation, useQueryClient } from '@tanstack/react-query'
import { useMemo, useState } from 'react'

import { createKeyring } from '../api/idempotencyKey'
import { type Problem, toProblem } from '../api/problem'
import { emptyToNull } from '../components/form'
import { type CellError, mergeErrors } from '../editableGrid/cellErrors'
import type { EditableColumn } from '../editableGrid/columns'
import { locateServerErrors } from '../editableGrid/serverErrors'
import type { SheetRow } from '../editableGrid/sheet'
import type { Added, AddOptions, NewRow } from './api'

export interface AddManyOptions {
  columns: readonly EditableColumn[]
  /** The fields of the API that say where the rows go; their errors appear at the target. */
  targetFields: readonly string[]
  /** Columns that show the errors of other fields of the API. */
  aliases?: Record<string, string> | undefined
  addRows: (target: string, rows: NewRow[], options: AddOptions) => Promise<Added>
  /** findLocalErrors checks rows while the user types. */
  findLocalErrors?: ((rows: readonly SheetRow[]) => CellError[]) | undefined
  /** findErrors checks rows before they are sent. */
  findErrors?: ((rows: readonly SheetRow[]) => Promise<CellError[]>) | undefined
}

const noAliases: Record<string, string> = {}

/** Attempt is what was sent, and the errors that findErrors found. */
interface Attempt {
  rows: readonly SheetRow[]
  content: string
  errors: readonly CellError[]
}

/** useAddMany adds rows to a target, all of them or none. Adding the same rows again after a lost response is safe. */
export function useAddMany(
  target: string,
  rows: readonly SheetRow[],
  { columns, targetFields, aliases = noAliases, addRows, findLocalErrors, findErrors }: AddManyOptions,
) {
  const queryClient = useQueryClient()
  const [getKey] = useState(createKeyring)
  const [attempt, setAttempt] = useState<Attempt>()
  const { mutate, data: added, error, isPending, reset } = useMutation({
    mutationFn: async (): Promise<Added | undefined> => {
      const newRows = rows.map(
        ({ cells }): NewRow => Object.fromEntries(columns.map(({ id }, i) => [id, emptyToNull(cells[i] ?? '')])),
      )
      const content = JSON.stringify([target, newRows])
      // The server may have stored the rows of a lost response. Then findErrors would find the barcodes in use.
      const isRepeated = content === attempt?.content && attempt.errors.length === 0 && isUncertain(error)
      const errors = isRepeated ? [] : ((await findErrors?.(rows)) ?? [])
      setAttempt({ rows, content, errors })
      const dryRun = errors.length > 0 // finds the other errors
      const result = await addRows(target, newRows, { idempotencyKey: getKey(content), dryRun })
      return dryRun ? undefined : result
    },
    onSuccess: (result) => {
      if (result) void queryClient.invalidateQueries() // many lists show the new rows
    },
  })
  const problem = useMemo(() => (error ? toProblem(error) : undefined), [error])
  const { errors, targetError } = useMemo(
    () => ({
      errors: mergeErrors(
        findLocalErrors?.(rows) ?? [],
        attempt?.errors ?? [],
        locateErrorsOf(problem, attempt, columns, targetFields, aliases),
      ),
      targetError: problem?.errors.find(({ field }) => targetFields.includes(field))?.message,
    }),
    [findLocalErrors, rows, attempt, problem, columns, targetFields, aliases],
  )
  return {
    /** save adds the rows. */
    save: () => mutate(),
    isSaving: isPending,
    added,
    problem,
    errors,
    /** The error of the target itself. */
    targetError,
    hasFailed: problem !== undefined || (attempt !== undefined && attempt.errors.length > 0),
    reset: () => {
      setAttempt(undefined)
      reset()
    },
  }
}

/** isUncertain reports whether the server may have stored the rows of a failed request. */
const isUncertain = (error: Error | null) => error !== null && toProblem(error).isTransient

function locateErrorsOf(
  problem: Problem | undefined,
  attempt: Attempt | undefined,
  columns: readonly EditableColumn[],
  targetFields: readonly string[],
  aliases: Record<string, string>,
): CellError[] {
  return locateServerErrors(
    (problem?.errors ?? [])
      .filter(({ field }) => !targetFields.includes(field))
      .map((error) => ({ ...error, field: aliases[error.field] ?? error.field })),
    (line) => attempt?.rows[line - 1],
    columns.map(({ id }) => id),
  ).cellErrors
}
