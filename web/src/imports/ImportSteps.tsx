import { Alert, Button, Group, Progress, Text } from '@mantine/core'
import { useQueryClient } from '@tanstack/react-query'
import { useEffect, useMemo, useRef, useState } from 'react'

import { Problem, toProblem } from '../api/problem'
import { ProblemAlert } from '../components/form'
import { TextLink } from '../components/links'
import { Section } from '../components/Section'
import { toast } from '../components/toast'
import {
  buildUpload,
  type ImportResult,
  importRows,
  type ImportSource,
  type ImportStep,
  readRows,
  type SourceRow,
} from './api'
import { ColumnMapping } from './ColumnMapping'
import { groupErrorsByLine, toFileErrors } from './errorReport'
import { ImportErrors } from './ImportErrors'
import { guessFields, type ImportTarget, missingFields } from './importTargets'
import { Preview } from './Preview'

interface Checked {
  body: Blob
  result: ImportResult
}

/** ImportSteps maps the columns of a file, checks it and imports it. Only checked data can be imported. */
export function ImportSteps({ source, target }: { source: ImportSource; target: ImportTarget }) {
  const queryClient = useQueryClient()
  const [columns, setColumns] = useState(() => guessFields(source.header, target))
  const [step, setStep] = useState<ImportStep>()
  const [checked, setChecked] = useState<Checked>()
  const [imported, setImported] = useState<ImportResult>()
  const [problem, setProblem] = useState<Problem>()
  const [badRows, setBadRows] = useState<SourceRow[]>([])
  const abortRef = useRef<AbortController>(undefined)
  const outcomeRef = useRef<HTMLDivElement>(null)
  useEffect(() => () => abortRef.current?.abort(), [])
  useEffect(() => {
    if (checked || imported || problem) outcomeRef.current?.focus()
  }, [checked, imported, problem])

  const resetResult = () => {
    setChecked(undefined)
    setImported(undefined)
    setProblem(undefined)
    setBadRows([])
  }
  const runStep = async (run: (signal: AbortSignal) => Promise<void>, onStopped: () => void) => {
    const controller = new AbortController()
    abortRef.current = controller
    resetResult()
    setStep({ phase: 'reading', fraction: 0 })
    try {
      await run(controller.signal)
    } catch (error) {
      if (controller.signal.aborted) return onStopped()
      const problemFound = toProblem(error)
      setBadRows(await readRows(source, new Set(groupErrorsByLine(problemFound.errors).keys())).catch(() => []))
      setProblem(problemFound)
    } finally {
      setStep(undefined)
    }
  }
  const check = () =>
    runStep(
      async (signal) => {
        const body = await buildUpload(
          source,
          { delimiter: source.delimiter, columns, emptyColumns: missingFields(columns, target).missingOptional },
          setStep,
          signal,
        )
        setChecked({ body, result: await importRows(target.name, body, true, setStep, signal) })
      },
      () => toast('Check stopped'),
    )
  const importChecked = ({ body }: Checked) =>
    runStep(
      async (signal) => {
        setImported(await importRows(target.name, body, false, setStep, signal))
        void queryClient.invalidateQueries()
      },
      () => setProblem(stoppedProblem),
    )
  const errors = useMemo(() => toFileErrors(problem?.errors ?? [], badRows, source.header), [problem, badRows, source])
  const errorsByLine = useMemo(() => groupErrorsByLine(errors), [errors])
  return (
    <>
      <ColumnMapping
        header={source.header}
        target={target}
        columns={columns}
        onChange={(nextColumns) => {
          setColumns(nextColumns)
          resetResult()
        }}
        disabled={step !== undefined || imported !== undefined}
      />
      <div ref={outcomeRef} tabIndex={-1} role="status">
        {checked && !step && (
          <Alert color="teal" variant="outline" title="Ready to import">
            {describeResult(checked.result, true)} Nothing is imported yet.
          </Alert>
        )}
        {imported && (
          <Alert color="teal" variant="outline" title="Imported">
            {describeResult(imported, false)}{' '}
            {imported.requestId && (
              <TextLink size="sm" underline="always" to="/history" search={{ request_id: imported.requestId }}>
                View changes
              </TextLink>
            )}
          </Alert>
        )}
        {problem && <ProblemAlert problem={problem} />}
        {problem?.status === 0 && (
          <Text size="sm">
            If the import was running, check the history before you retry: the rows may already be imported.
          </Text>
        )}
      </div>
      <Group>
        {!checked && !imported && (
          <Button onClick={() => void check()} loading={step !== undefined}>
            Check
          </Button>
        )}
        {checked && (
          <Button onClick={() => void importChecked(checked)} loading={step !== undefined}>
            Import
          </Button>
        )}
        {step && <StepProgress step={step} onStop={() => abortRef.current?.abort()} />}
      </Group>
      {errors.length > 0 && <ImportErrors errors={errors} target={target} fileName={source.file.name} />}
      <Section title={errors.length > 0 ? 'Rows with errors, then first rows' : 'First rows'} id="preview">
        <Preview source={source} columns={columns} target={target} badRows={badRows} errorsByLine={errorsByLine} />
      </Section>
    </>
  )
}

const stoppedProblem = new Problem({
  status: -1,
  title: 'Import stopped',
  detail: 'The rows may already be imported. Check the history before you retry.',
})

const formatRowCount = (count: number) => (count === 1 ? '1 row' : `${count.toLocaleString('en')} rows`)

/** describeResult summarizes an import or its dry run. */
function describeResult({ created, updated }: ImportResult, isDryRun: boolean): string {
  const [createdLabel, updatedLabel] = isDryRun ? ['to create', 'to update'] : ['created', 'updated']
  return `${formatRowCount(created)} ${createdLabel}, ${formatRowCount(updated)} ${updatedLabel}.`
}

const stepLabels = { reading: 'Reading file', sending: 'Uploading', waiting: 'Processing' }

function StepProgress({ step, onStop }: { step: ImportStep; onStop: () => void }) {
  const label = stepLabels[step.phase]
  return (
    <>
      <Text size="sm">{label}…</Text>
      <Progress
        value={step.phase === 'waiting' ? 100 : step.fraction * 100}
        animated={step.phase === 'waiting'}
        aria-label={label}
        w={160}
      />
      <Button variant="default" onClick={onStop}>
        Stop
      </Button>
    </>
  )
}
