import { useMemo } from 'react'

import { Chart, type Series } from '../components/Chart'
import type { Event } from './api'
import { balanceSeries, eventsPerMinute } from './chartData'

interface Props {
  /** Newest first. */
  events: Event[]
  /** True if all events belong to one user. */
  isSingleUser: boolean
  /** True if older events exist that are not loaded. */
  hasMore: boolean
}

/** EventChart shows the balance of one user, or the number of events per minute of all users. */
export function EventChart({ events, isSingleUser, hasMore }: Props) {
  const { timestamps, values } = useMemo(
    () => (isSingleUser ? balanceSeries(events) : eventsPerMinute(events)),
    [events, isSingleUser],
  )
  const series = useMemo((): Series[] => {
    const [first = [], second = []] = values
    return isSingleUser
      ? [
          { label: 'Balance', color: 'primary', shape: 'line', values: first },
          { label: 'Amount', color: 'secondary', shape: 'dots', values: second },
        ]
      : [
          { label: 'Events', color: 'primary', shape: 'bars', values: first },
          {
            label: 'Events with an alert',
            color: 'secondary',
            shape: 'dots',
            values: second,
            plottedValues: second.map((count) => count || null),
          },
        ]
  }, [values, isSingleUser])
  const label = isSingleUser ? (hasMore ? 'Balance since the oldest event shown' : 'Balance') : 'Events per minute'
  return (
    <Chart
      label={label}
      timestamps={timestamps}
      series={series}
      formatTimestamp={formatTime}
      {...(!isSingleUser && { interval: 60 })}
    />
  )
}

const timeFormat = new Intl.DateTimeFormat(undefined, { dateStyle: 'medium', timeStyle: 'medium' })

function formatTime(timestamp: number): string {
  const date = new Date(timestamp * 1000)
  return Number.isNaN(date.getTime()) ? String(timestamp) : timeFormat.format(date)
}
