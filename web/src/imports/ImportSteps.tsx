import { Alert, Button, Group, Progress, Text } from '@mantine/core'
import { useQueryClient } from '@tanstack/react-query'
import { useEffect, useMemo, useRef, useState } from 'react'

import { asProblem, Problem } from '../api/problem'
import { ProblemNote } from '../components/form'
import { TextLink } from '../components/links'
import { Part } from '../components/Section'
import { toast } from '../components/toast'
import { prepare, readLines, type Result, type Row, type Source, type Step, store } from './api'
import { Columns } from './ColumnMapping'
import { Faults } from './ImportErrors'
import { byLine, ofFile } from './errorReport'
import { guess, type Kind, missing } from './importTargets'
import { Preview } from './Preview'

interface Checked {
  body: Blob
  result: Result
}

/** Steps lead from a chosen file to stored rows: columns, check, import. Nothing can be imported that was not checked as it is. */
export function Steps({ source, kind }: { source: Source; kind: Kind }) {
  const queryClient = useQueryClient()
  const [columns, setColumns] = useState(() => guess(source.header, kind))
  const [step, setStep] = useState<Step>()
  const [checked, setChecked] = useState<Checked>()
  const [done, setDone] = useState<Result>()
  const [problem, setProblem] = useState<Problem>()
  const [badRows, setBadRows] = useState<Row[]>([])
  const running = useRef<AbortController>(undefined)
  const outcome = useRef<HTMLDivElement>(null)
  useEffect(() => () => running.current?.abort(), [])
  useEffect(() => {
    if (checked || done || problem) outcome.current?.focus()
  }, [checked, done, problem])

  const forget = () => {
    setChecked(undefined)
    setDone(undefined)
    setProblem(undefined)
    setBadRows([])
  }
  const attempt = async (run: (signal: AbortSignal) => Promise<void>, stopped: () => void) => {
    const stop = new AbortController()
    running.current = stop
    forget()
    setStep({ doing: 'reading', part: 0 })
    try {
      await run(stop.signal)
    } catch (thrown) {
      if (stop.signal.aborted) return stopped()
      const found = asProblem(thrown)
      setBadRows(await readLines(source, new Set(byLine(found.errors).keys())).catch(() => []))
      setProblem(found)
    } finally {
      setStep(undefined)
    }
  }
  const check = () =>
    attempt(async (signal) => {
      const body = await prepare(source, { delimiter: source.delimiter, columns, blank: missing(columns, kind).blank }, setStep, signal)
      setChecked({ body, result: await store(kind.name, body, true, setStep, signal) })
    }, () => toast('Stopped'))
  const commit = ({ body }: Checked) =>
    attempt(async (signal) => {
      setDone(await store(kind.name, body, false, setStep, signal))
      void queryClient.invalidateQueries()
    }, () => setProblem(unsure))
  const errors = useMemo(() => ofFile(problem?.errors ?? [], badRows, source.header), [problem, badRows, source])
  const faults = useMemo(() => byLine(errors), [errors])
  return (
    <>
      <Columns
        header={source.header}
        kind={kind}
        columns={columns}
        change={(next) => {
          setColumns(next)
          forget()
        }}
        disabled={step !== undefined || done !== undefined}
      />
      <div ref={outcome} tabIndex={-1} role="status">
        {checked && !step && (
          <Alert color="teal" variant="outline" title="Nothing is wrong with it">
            {told(checked.result, true)} Nothing is stored yet.
          </Alert>
        )}
        {done && (
          <Alert color="teal" variant="outline" title="It is stored">
            {told(done, false)}{' '}
            {done.requestId && (
              <TextLink size="sm" underline="always" to="/history" search={{ request_id: done.requestId }}>
                See what changed
              </TextLink>
            )}
          </Alert>
        )}
        {problem && <ProblemNote problem={problem} />}
        {problem?.status === 0 && <Text size="sm">If this was the import itself, look into the history before you try again: the rows may be stored.</Text>}
      </div>
      <Group>
        {!checked && !done && (
          <Button onClick={() => void check()} loading={step !== undefined}>
            Check
          </Button>
        )}
        {checked && (
          <Button onClick={() => void commit(checked)} loading={step !== undefined}>
            Import
          </Button>
        )}
        {step && <Doing step={step} stop={() => running.current?.abort()} />}
      </Group>
      {errors.length > 0 && <Faults errors={errors} kind={kind} name={source.file.name} />}
      <Part title={errors.length > 0 ? 'Rows to mend, and the first rows' : 'First rows'} id="preview">
        <Preview source={source} columns={columns} kind={kind} badRows={badRows} faults={faults} />
      </Part>
    </>
  )
}

const unsure = new Problem({ status: -1, title: 'Stopped', detail: 'What had been sent may be stored: look into the history before you try again.' })

const rows = (count: number) => (count === 1 ? 'One row' : `${count.toLocaleString('en')} rows`)

/** told says what was done, or what would be. */
function told({ created, updated }: Result, would: boolean): string {
  const were = (count: number) => (would ? 'would be' : count === 1 ? 'was' : 'were')
  return `${rows(created)} ${were(created)} created, ${rows(updated).toLowerCase()} ${were(updated)} updated.`
}

const doings = { reading: 'Reading the file', sending: 'Sending', waiting: 'The server is at work' }

function Doing({ step, stop }: { step: Step; stop: () => void }) {
  const label = doings[step.doing]
  return (
    <>
      <Text size="sm">{label}…</Text>
      <Progress value={step.doing === 'waiting' ? 100 : step.part * 100} animated={step.doing === 'waiting'} aria-label={label} w={160} />
      <Button variant="default" onClick={stop}>
        Stop
      </Button>
    </>
  )
}
