import { Alert, Button, Group, Progress, Text } from '@mantine/core'
import { useQueryClient } from '@tanstack/react-query'
import { useEffect, useMemo, useRef, useState } from 'react'

import { Problem, toProblem } from '../api/problem'
import { ProblemAlert } from '../components/form'
import { TextLink } from '../components/links'
import { Section } from '../components/Section'
import { toast } from '../components/toast'
import { importFile, type ImportResult, type ImportSource, type ImportStep, readRows } from './api'
import { ColumnMapping } from './ColumnMapping'
import type { CSVRecord } from './csv'
import { groupErrorsByLine, sortByLine } from './errorReport'
import { ImportErrors } from './ImportErrors'
import { describeColumns, guessFields, type ImportTarget } from './importTargets'
import { Preview } from './Preview'

/** ImportSteps maps the columns of a file, checks it and imports it. Only a checked file can be imported. */
export function ImportSteps({ source, target }: { source: ImportSource; target: ImportTarget }) {
  const queryClient = useQueryClient()
  const [columns, setColumns] = useState(() => guessFields(source.header, target))
  const [step, setStep] = useState<ImportStep>()
  const [checked, setChecked] = useState<ImportResult>()
  const [imported, setImported] = useState<ImportResult>()
  const [problem, setProblem] = useState<Problem>()
  const [badRows, setBadRows] = useState<CSVRecord[]>([])
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
    setStep({ phase: 'sending', fraction: 0 })
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
  const send = (dryRun: boolean, signal: AbortSignal) =>
    importFile(target.name, source.file, columns, dryRun, setStep, signal)
  const check = () =>
    runStep(
      async (signal) => setChecked(await send(true, signal)),
      () => toast('Check stopped'),
    )
  const importChecked = () =>
    runStep(
      async (signal) => {
        setImported(await send(false, signal))
        void queryClient.invalidateQueries()
      },
      () => setProblem(stoppedProblem),
    )
  const clearable = describeColumns(columns, target).clearable.map((name) => target.fields[name] ?? name)
  const errors = useMemo(() => sortByLine(problem?.errors ?? []), [problem])
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
            {describeResult(checked, true, clearable)} Nothing is imported yet.
          </Alert>
        )}
        {imported && (
          <Alert color="teal" variant="outline" title="Imported">
            {describeResult(imported, false, clearable)}{' '}
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
          <Button onClick={() => void check()} loading={step !== undefined} disabled={!columns.some(Boolean)}>
            Check
          </Button>
        )}
        {checked && (
          <Button onClick={() => void importChecked()} loading={step !== undefined}>
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

/** describeResult summarizes an import or its dry run. clearable are the names of the fields that it can clear. */
function describeResult({ created, updated, cleared }: ImportResult, isDryRun: boolean, clearable: string[]) {
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

const stepLabels = { sending: 'Uploading', waiting: 'Processing' }

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
