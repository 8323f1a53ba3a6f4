import { Stack, Text } from '@mantine/core'
import { useMemo } from 'react'

import { Chart } from '../components/Chart'
import { type Column, RowTable } from '../components/DataTable'
import { TextLink } from '../components/links'
import { TimeAgo } from '../components/TimeAgo'
import type { Replay } from './api'
import { daily } from './replayChart'

type Count = Replay['by_code'][number]
type Difference = Replay['differences'][number]

const counts: Column<Count>[] = [
  { id: 'code', header: 'Rule', value: (one) => one.code },
  { id: 'added', header: 'Added', value: (one) => one.added, end: true },
  { id: 'removed', header: 'Removed', value: (one) => one.removed, end: true },
  { id: 'unchanged', header: 'Unchanged', value: (one) => one.unchanged, end: true },
]

const differences: Column<Difference>[] = [
  {
    id: 'event',
    header: 'Event',
    value: (one) => one.event_id,
    cell: ({ event_id, user_id, code }) => (
      <TextLink to="/events/$id" params={{ id: event_id }}>
        User {user_id}: {code}
      </TextLink>
    ),
  },
  { id: 'change', header: 'Change', value: (one) => one.change },
  { id: 'risk', header: 'Risk', value: (one) => one.risk },
  { id: 'time', header: 'Happened', value: (one) => one.time, cell: (one) => <TimeAgo at={one.time} /> },
]

const day = 86_400

/** ReplayResult shows what a replay found: how many alerts more and fewer, rule by rule and day by day, and which. */
export function ReplayResult({ replay, tried }: { replay: Replay; tried: string }) {
  const { at, series } = useMemo(() => daily(replay), [replay])
  const one = (count: number, word: string) => `${count} ${word}${count === 1 ? '' : 's'}`
  return (
    <Stack>
      <div role="status">
        <Text>
          {one(replay.events, 'event')} of {one(replay.users, 'user')}: <b>{one(replay.added, 'alert')} more</b>, <b>{replay.removed} fewer</b>, {replay.unchanged} as before.
        </Text>
        <Text size="sm" c="dimmed">
          {tried || 'Nothing was changed.'}
        </Text>
      </div>
      {at.length > 0 && <Chart label="Alerts by day" at={at} series={series} step={day} told={told} />}
      <RowTable label="Alerts by rule" columns={counts} rows={replay.by_code} rowKey={(one) => one.code} />
      {replay.differences.length > 0 && (
        <>
          <Text size="sm" c="dimmed">
            {replay.truncated ? `The first ${replay.differences.length} differences:` : 'All differences:'}
          </Text>
          <RowTable label="Differences" columns={differences} rows={replay.differences} rowKey={(one) => `${one.event_id} ${one.code}`} sortable={!replay.truncated} />
        </>
      )}
    </Stack>
  )
}

function told(at: number): string {
  const date = new Date(at * 1000)
  return Number.isNaN(date.getTime()) ? String(at) : date.toISOString().slice(0, 10)
}
