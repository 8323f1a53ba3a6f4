import { Alert, Text } from '@mantine/core'
import { useEffect, useRef } from 'react'

import type { FieldError, Problem } from '../api/problem'
import { ProblemAlert } from '../components/form'
import type { ImportResult } from './api'
import { describeColumns, type ImportTarget } from './importTargets'

interface Props {
  target: ImportTarget
  columns: readonly (string | undefined)[]
  /** The number of finished checks and imports: a new one receives the focus. */
  runCount: number
  checked: ImportResult | undefined
  problem: Problem | undefined
  /** True if an import may have stored its rows, although it failed. */
  isUncertain: boolean
  /** Errors that are not shown at a cell. */
  errors?: readonly FieldError[]
  /** What prevents the import, if the server has found no problem. */
  hint?: string | undefined
}

/** ImportOutcome says what a check has found. */
export function ImportOutcome({ target, columns, runCount, checked, problem, isUncertain, errors = [], hint }: Props) {
  const ref = useRef<HTMLDivElement>(null)
  useEffect(() => {
    if (runCount > 0) ref.current?.focus()
  }, [runCount])
  const clearable = describeColumns(columns, target).clearable.map((name) => target.fields[name] ?? name)
  return (
    <div ref={ref} tabIndex={-1} role="status">
      {checked && (
        <Alert color="teal" variant="outline" title="Ready to import">
          <ResultCounts result={checked} isDryRun clearable={clearable} /> Nothing is imported yet.
        </Alert>
      )}
      {problem && <ProblemAlert problem={problem} />}
      {problem && isUncertain && (
        <Text size="sm">The rows may already be imported. If you check and import them again, they are not stored twice.</Text>
      )}
      {errors.map(({ field, message }, i) => (
        <Text key={i} size="sm">
          {target.fields[field] ?? field}: {message}
        </Text>
      ))}
      {hint && <Text size="sm">{hint}</Text>}
    </div>
  )
}

/** formatRowCount formats a number of rows. */
export const formatRowCount = (count: number) => (count === 1 ? '1 row' : `${count.toLocaleString('en')} rows`)

interface ResultCountsProps {
  result: ImportResult
  isDryRun: boolean
  /** The names of the fields whose values empty cells clear. */
  clearable: string[]
}

/** ResultCounts summarizes an import or its dry run. */
export function ResultCounts({ result: { created, updated, cleared }, isDryRun, clearable }: ResultCountsProps) {
  const [createdLabel, updatedLabel] = isDryRun ? ['to create', 'to update'] : ['created', 'updated']
  const clearedLabel = cleared === 1 ? '1 value' : `${cleared.toLocaleString('en')} values`
  const willClear = isDryRun ? 'will be cleared' : cleared === 1 ? 'was cleared' : 'were cleared'
  return (
    <>
      {formatRowCount(created)} {createdLabel}, {formatRowCount(updated)} {updatedLabel}.
      {cleared > 0 && (
        <Text span fw="bold" fz="inherit">
          {` ${clearedLabel} of existing rows ${willClear} by empty cells in ${clearable.join(' or ')}.`}
        </Text>
      )}
    </>
  )
}
