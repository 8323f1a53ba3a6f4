import { Button, Card, Group, Loader, Stack, Text, TextInput } from '@mantine/core'
import { useMutation } from '@tanstack/react-query'
import { lazy, useEffect, useRef } from 'react'

import { toProblem } from '../api/problem'
import { ProblemAlert } from '../components/form'
import { formatValue } from '../components/formatValue'
import { LazyBoundary } from '../components/LazyBoundary'
import { fromLocalInput, toLocalInput } from '../components/localTime'
import { Loading } from '../components/placeholders'
import { Section } from '../components/Section'
import { useSearchParam } from '../components/useSearchParam'
import { replay, type Rule, type RuleFields, ruleLabels } from './api'

const ReplayResult = lazy(() => import('./ReplayResult').then((module) => ({ default: module.ReplayResult })))

interface Props {
  rule: Rule
  /** Returns the changed settings to preview. */
  getChanges: () => Partial<RuleFields>
}

/** ReplaySection previews unsaved settings on past events. */
export function ReplaySection({ rule, getChanges }: Props) {
  const [from, setFrom] = useSearchParam('from')
  const [to, setTo] = useSearchParam('to')
  const abortRef = useRef<AbortController>(undefined)
  const { mutate, isPending, data, error, variables, reset } = useMutation({
    mutationFn: (replayedChanges: Partial<RuleFields>) => {
      abortRef.current = new AbortController()
      const [start, end] = [from, to].map((text) => (text ? Number(text) : undefined))
      return replay(rule.code, replayedChanges, { from: start, to: end }, abortRef.current.signal)
    },
  })
  useEffect(() => () => abortRef.current?.abort(), [])
  const cancel = () => {
    abortRef.current?.abort()
    reset()
  }
  return (
    <Section title="Preview on past events" id="replay">
      <Card withBorder>
        <Stack>
          <Text size="sm" c="dimmed">
            Runs these settings on past events. Nothing is saved.
          </Text>
          <Group>
            <TimeField label="Events from" value={from} onChange={setFrom} />
            <TimeField label="Events before" value={to} onChange={setTo} />
          </Group>
          <Group>
            <Button variant="default" onClick={() => mutate(getChanges())} disabled={isPending}>
              Run preview
            </Button>
            {isPending && (
              <Group gap="xs" role="status">
                <Loader size="sm" />
                <Text size="sm">Replaying events…</Text>
                <Button variant="subtle" onClick={cancel}>
                  Stop preview
                </Button>
              </Group>
            )}
          </Group>
          <ProblemAlert problem={error ? toProblem(error) : undefined} />
          {data && (
            <LazyBoundary fallback={<Loading rows={3} />}>
              <ReplayResult replay={data} description={describeChanges(rule, variables)} />
            </LazyBoundary>
          )}
        </Stack>
      </Card>
    </Section>
  )
}

function TimeField({ label, value, onChange }: { label: string; value: string; onChange: (value: string) => void }) {
  return (
    <TextInput
      type="datetime-local"
      label={label}
      value={toLocalInput('unixTime', value)}
      onChange={(event) => onChange(fromLocalInput('unixTime', event.currentTarget.value))}
    />
  )
}

/** describeChanges describes the previewed changes: "Limit (medium risk): 100.00 → 250". */
function describeChanges(rule: Rule, changes: Partial<RuleFields>): string {
  const fieldNames = (Object.keys(changes) as (keyof RuleFields)[]).filter((name) => name !== 'title')
  return fieldNames
    .map((name) => `${ruleLabels[name]}: ${formatValue(rule[name])} → ${formatValue(changes[name])}`)
    .join(', ')
}
