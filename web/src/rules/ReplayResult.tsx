import { Stack, Text } from '@mantine/core'
import { useMemo } from 'react'

import { Chart } from '../components/Chart'
import { type Column, RowTable } from '../components/RowTable'
import { TextLink } from '../components/links'
import { TimeAgo } from '../components/TimeAgo'
import type { Replay } from './api'
import { dailySeries } from './replayChart'

type Count = Replay['by_code'][number]
type Difference = Replay['differences'][number]

const countColumns: Column<Count>[] = [
  { id: 'code', header: 'Rule', value: (row) => row.code },
  { id: 'added', header: 'Added', value: (row) => row.added, alignEnd: true },
  { id: 'removed', header: 'Removed', value: (row) => row.removed, alignEnd: true },
  { id: 'unchanged', header: 'Unchanged', value: (row) => row.unchanged, alignEnd: true },
]

const differenceColumns: Column<Difference>[] = [
  {
    id: 'event',
    header: 'Event',
    value: (row) => row.event_id,
    cell: ({ event_id, user_id, code }) => (
      <TextLink to="/events/$id" params={{ id: event_id }}>
        User {user_id}: {code}
      </TextLink>
    ),
  },
  { id: 'change', header: 'Change', value: (row) => row.change },
  { id: 'risk', header: 'Risk level', value: (row) => row.risk },
  { id: 'time', header: 'Event time', value: (row) => row.time, cell: (row) => <TimeAgo at={row.time} /> },
]

const secondsPerDay = 86_400

/**
 * ReplayResult shows the result of a replay: added, removed and unchanged alerts in total, by day and by rule, and the
 * differences.
 */
export function ReplayResult({ replay, description }: { replay: Replay; description: string }) {
  const { timestamps, series } = useMemo(() => dailySeries(replay), [replay])
  const pluralize = (count: number, word: string) => `${count} ${word}${count === 1 ? '' : 's'}`
  return (
    <Stack>
      <div role="status">
        <Text>
          {pluralize(replay.events, 'event')} of {pluralize(replay.users, 'user')}:{' '}
          <b>{pluralize(replay.added, 'alert')} added</b>, <b>{replay.removed} removed</b>, {replay.unchanged}{' '}
          unchanged.
        </Text>
        <Text size="sm" c="dimmed">
          {description || 'No settings were changed.'}
        </Text>
      </div>
      {timestamps.length > 0 && (
        <Chart
          label="Alerts by day"
          timestamps={timestamps}
          series={series}
          interval={secondsPerDay}
          formatTimestamp={formatDay}
        />
      )}
      <RowTable
        label="Alerts by rule"
        isWrapped
        columns={countColumns}
        rows={replay.by_code}
        rowKey={(row) => row.code}
      />
      {replay.differences.length > 0 && (
        <>
          <Text size="sm" c="dimmed">
            {replay.truncated ? `The first ${replay.differences.length} differences:` : 'All differences:'}
          </Text>
          <RowTable
            label="Differences"
            isWrapped
            columns={differenceColumns}
            rows={replay.differences}
            rowKey={(row) => `${row.event_id} ${row.code}`}
          />
        </>
      )}
    </Stack>
  )
}

function formatDay(timestamp: number): string {
  const date = new Date(timestamp * 1000)
  return Number.isNaN(date.getTime()) ? String(timestamp) : date.toISOString().slice(0, 10)
}
