import { Text } from '@mantine/core'
import { useState } from 'react'

import { formatUnixTime } from '../components/formatUnixTime'
import { TextLink } from '../components/links'
import { type Column, RowTable } from '../components/RowTable'
import { StatusBadge } from '../components/StatusBadge'
import { UserName } from '../people/PersonName'
import type { Replay } from './api'
import { formatCount } from './describeCounts'
import classes from './Rule.module.css'

type Difference = Replay['differences'][number]

const columns: Column<Difference>[] = [
  {
    id: 'time',
    header: 'Event time',
    value: (row) => row.time,
    cell: ({ event_id, time }) => (
      <TextLink to="/events/$id" params={{ id: event_id }}>
        {formatUnixTime(time)}
      </TextLink>
    ),
    width: 11,
  },
  { id: 'user_id', header: 'User', value: (row) => row.user_id, cell: ({ user_id }) => <UserName id={user_id} /> },
  {
    id: 'change',
    header: 'Alert',
    value: (row) => row.change,
    cell: ({ change }) => (
      <StatusBadge tone={change === 'added' ? 'warning' : 'info'}>{change === 'added' ? 'New' : 'Removed'}</StatusBadge>
    ),
    width: 6.5,
  },
  { id: 'risk', header: 'Risk level', value: (row) => row.risk, width: 6.5 },
]

/** PreviewDifferences lists the alerts that a preview adds or removes. It is closed at first. */
export function PreviewDifferences({ replay: { differences, truncated, added, removed } }: { replay: Replay }) {
  const [isOpen, setIsOpen] = useState(false)
  if (differences.length === 0) return null
  const count = added + removed
  return (
    <details onToggle={(event) => setIsOpen(event.currentTarget.open)}>
      <summary className={classes.summary}>
        {count === 1 ? 'Show the difference' : `Show the ${formatCount(count)} differences`}
      </summary>
      {isOpen && (
        <>
          {truncated && (
            <Text size="sm" c="dimmed">
              The first {differences.length}, by person
            </Text>
          )}
          <RowTable
            label="Differences"
            columns={columns}
            rows={differences}
            rowKey={({ event_id, code }) => `${event_id} ${code}`}
          />
        </>
      )}
    </details>
  )
}
