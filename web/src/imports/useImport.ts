import { useQueryClient } from '@tanstack/react-query'
import { useEffect, useRef, useState } from 'react'

import { createKeyring } from '../api/idempotencyKey'
import { Problem, toProblem } from '../api/problem'
import { toast } from '../components/toast'
import { type ImportBody, importRows, type ImportResult, type ImportStep } from './api'

/** PreparedImport is what is checked and then imported. */
export interface PreparedImport {
  body: ImportBody
  /** The same for the same rows of the same file. */
  fingerprint: string
  /** Nothing can be imported, for example because a name is unclear. The check finds further errors. */
  isInvalid?: boolean
}

/** Outcome is the result of the last check or import. */
interface Outcome<P> {
  prepared?: P | undefined
  checked?: ImportResult
  imported?: ImportResult
  problem?: Problem
  /** True if an import may have stored its rows, although it failed. */
  isUncertain?: boolean
}

/**
 * useImport checks rows with a dry run and imports what was checked, all or none. Importing again after an unknown
 * outcome stores nothing twice.
 */
export function useImport<P extends PreparedImport>(targetName: string) {
  const queryClient = useQueryClient()
  const [getKey] = useState(createKeyring)
  const [step, setStep] = useState<ImportStep>()
  const [outcome, setOutcome] = useState<Outcome<P>>({})
  const [runCount, setRunCount] = useState(0)
  const abortRef = useRef<AbortController>(undefined)
  useEffect(() => () => abortRef.current?.abort(), [])

  const run = async (
    prepare: (signal: AbortSignal) => P | Promise<P>,
    { dryRun, onStopped }: { dryRun: boolean; onStopped: () => void },
  ): Promise<void> => {
    const controller = new AbortController()
    const { signal } = controller
    abortRef.current = controller
    setOutcome({})
    setStep({ phase: 'sending', fraction: 0 })
    let prepared: P | undefined
    try {
      prepared = await prepare(signal)
      const { body, fingerprint, isInvalid } = prepared
      const idempotencyKey = getKey(JSON.stringify([targetName, body.columns, fingerprint]))
      const result = await importRows(targetName, body, { dryRun, idempotencyKey, onStep: setStep, signal })
      if (!dryRun) void queryClient.invalidateQueries()
      setOutcome({ prepared, ...(dryRun ? !isInvalid && { checked: result } : { imported: result }) })
    } catch (error) {
      const problem = toProblem(error)
      if (signal.aborted) onStopped()
      else setOutcome({ prepared, problem, isUncertain: !dryRun && problem.isTransient })
    } finally {
      setStep(undefined)
      setRunCount((count) => count + 1)
    }
  }
  return {
    step,
    ...outcome,
    isUncertain: outcome.isUncertain ?? false,
    /** The number of finished checks and imports. */
    runCount,
    check: (prepare: (signal: AbortSignal) => P | Promise<P>) =>
      void run(prepare, { dryRun: true, onStopped: () => toast('Check stopped') }),
    importChecked: () => {
      const { prepared } = outcome
      if (prepared)
        void run(() => prepared, {
          dryRun: false,
          onStopped: () => setOutcome({ prepared, problem: stoppedProblem, isUncertain: true }),
        })
    },
    stop: () => abortRef.current?.abort(),
    reset: () => setOutcome({}),
  }
}

const stoppedProblem = new Problem({ status: -1, title: 'Import stopped', detail: 'You have stopped the import.' })
