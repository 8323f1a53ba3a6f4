import { Button, Group, Loader, SimpleGrid, Stack, Text, TextInput } from '@mantine/core'
import { lazy } from 'react'

import { ProblemAlert } from '../components/form'
import { LazyBoundary } from '../components/LazyBoundary'
import { fromLocalInput, toLocalInput } from '../components/localTime'
import { Panel } from '../components/Panel'
import { Loading } from '../components/placeholders'
import { type Rule, ruleFields } from './api'
import classes from './Rule.module.css'
import type { Preview } from './usePreview'

const PreviewResult = lazy(() => import('./PreviewResult').then((module) => ({ default: module.PreviewResult })))

/** RulePreview shows the effect of unsaved settings on past events, while the user types them. */
export function RulePreview({ rule, preview }: { rule: Rule; preview: Preview }) {
  const { range, setRange, problem, replay, isOutdated } = preview
  const state = describeState(preview)
  return (
    <Panel title="Preview on past events" id="preview" actions={<PreviewStatus preview={preview} />}>
      <Stack gap="sm">
        <Text size="sm" c="dimmed">
          Runs these settings on past events. Nothing is saved.
        </Text>
        <SimpleGrid cols={{ base: 1, xs: 2 }} spacing="sm">
          <TimeField
            label="Events from"
            value={range.from}
            onChange={(from) => setRange({ ...range, from })}
            error={problem?.messagesByField.from}
          />
          <TimeField
            label="Events before"
            value={range.to}
            onChange={(to) => setRange({ ...range, to })}
            error={problem?.messagesByField.to}
          />
        </SimpleGrid>
        <ProblemAlert problem={problem} fields={[...ruleFields(rule), 'from', 'to']} />
        {state && <Text size="sm">{state}</Text>}
        {replay && (
          <div className={classes.result} aria-busy={isOutdated} inert={isOutdated}>
            <LazyBoundary fallback={<Loading rows={3} />}>
              <PreviewResult replay={replay} code={rule.code} />
            </LazyBoundary>
          </div>
        )}
      </Stack>
    </Panel>
  )
}

/** describeState explains why there is no result. */
function describeState({ missing, isCancelled, problem }: Preview): string | undefined {
  if (missing === 'change') return 'Change the limit or another setting to see which alerts would be new or removed.'
  if (missing === 'number') return 'Enter all numbers to see their effect.'
  if (isCancelled) return 'The preview was cancelled.'
  return problem?.status === 400 ? 'Correct the marked fields to see their effect.' : undefined
}

function PreviewStatus({ preview: { isRunning, isCancelled, problem, cancel, run } }: { preview: Preview }) {
  const canRun = isCancelled || (problem !== undefined && problem.status !== 400)
  return (
    <Group gap="xs">
      <Group gap="xs" role="status">
        {isRunning && (
          <>
            <Loader size="xs" />
            <Text size="sm">Running preview…</Text>
          </>
        )}
      </Group>
      {isRunning && (
        <Button variant="default" size="compact-sm" onClick={cancel}>
          Cancel preview
        </Button>
      )}
      {canRun && (
        <Button variant="default" size="compact-sm" onClick={run}>
          Run preview
        </Button>
      )}
    </Group>
  )
}

interface TimeFieldProps {
  label: string
  /** Unix seconds, or '' for no limit. */
  value: string
  onChange: (value: string) => void
  error: string | undefined
}

function TimeField({ label, value, onChange, error }: TimeFieldProps) {
  return (
    <TextInput
      type="datetime-local"
      label={label}
      value={toLocalInput('unixTime', value)}
      onChange={(event) => onChange(fromLocalInput('unixTime', event.currentTarget.value))}
      error={error}
    />
  )
}
