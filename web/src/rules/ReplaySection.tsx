import { Button, Card, Group, Loader, Stack, Text } from '@mantine/core'
import { useMutation } from '@tanstack/react-query'
import { lazy, useEffect, useRef } from 'react'

import { asProblem } from '../api/problem'
import { shown } from '../components/formatValue'
import { type Filter, FilterBar, useFilters } from '../components/filters'
import { ProblemNote } from '../components/form'
import { Later } from '../components/LazyBoundary'
import { Loading } from '../components/placeholders'
import { Part } from '../components/Section'
import { replay, type Rule, type RuleFields, ruleLabels } from './api'

const ReplayResult = lazy(() => import('./ReplayResult').then((module) => ({ default: module.ReplayResult })))

const range = [
  { name: 'from', label: 'Events from', time: true },
  { name: 'to', label: 'Events before', time: true },
] as const satisfies Filter<string>[]

interface Props {
  rule: Rule
  /** What is to be tried. */
  changes: () => Partial<RuleFields>
}

/** ReplayPart tries settings on what was recorded, before anything is saved. */
export function ReplayPart({ rule, changes }: Props) {
  const [values, set] = useFilters(range)
  const stop = useRef<AbortController>(undefined)
  const { mutate, isPending, data, error, variables, reset } = useMutation({
    mutationFn: (tried: Partial<RuleFields>) => {
      stop.current = new AbortController()
      const [from, to] = [values.from, values.to].map((text) => (text ? Number(text) : undefined))
      return replay(rule.code, tried, { from, to }, stop.current.signal)
    },
  })
  useEffect(() => () => stop.current?.abort(), [])
  const cancel = () => {
    stop.current?.abort()
    reset()
  }
  return (
    <Part title="What it would have done" id="replay">
      <Card withBorder>
        <Stack>
          <Text size="sm" c="dimmed">
            The settings above are tried on the events that were recorded. Nothing is changed by that.
          </Text>
          <FilterBar filters={range} values={values} set={set} />
          <Group>
            <Button variant="default" onClick={() => mutate(changes())} disabled={isPending}>
              Try it
            </Button>
            {isPending && (
              <Group gap="xs" role="status">
                <Loader size="sm" />
                <Text size="sm">Events are being replayed…</Text>
                <Button variant="subtle" onClick={cancel}>
                  Stop
                </Button>
              </Group>
            )}
          </Group>
          <ProblemNote problem={error ? asProblem(error) : undefined} />
          {data && (
            <Later fallback={<Loading rows={3} />}>
              <ReplayResult replay={data} tried={triedOf(rule, variables)} />
            </Later>
          )}
        </Stack>
      </Card>
    </Part>
  )
}

/** triedOf tells what was tried: "Limit at medium risk 100.00 → 250". */
function triedOf(rule: Rule, changes: Partial<RuleFields>): string {
  const names = (Object.keys(changes) as (keyof RuleFields)[]).filter((name) => name !== 'title')
  return names.map((name) => `${ruleLabels[name]}: ${shown(rule[name])} → ${shown(changes[name])}`).join(', ')
}
