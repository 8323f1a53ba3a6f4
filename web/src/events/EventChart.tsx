import { useNavigate } from '@tanstack/react-router'
import { useMemo } from 'react'

import { Chart } from '../components/Chart'
import type { Series } from '../components/chartPalette'
import { formatUnixTime } from '../components/formatUnixTime'
import type { Event } from './api'
import { balanceSeries, eventsPerMinute, secondsPerMinute } from './chartData'

interface Props {
  /** Newest first. */
  events: Event[]
  /** True if all events belong to one user. */
  isSingleUser: boolean
  /** True if older events exist that are not loaded. */
  hasMore: boolean
}

/**
 * EventChart shows the balance of one user, or the number of events per minute of all users. A click opens the event, or
 * lists the events of the minute.
 */
export function EventChart({ events, isSingleUser, hasMore }: Props) {
  const navigate = useNavigate()
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
  const openEvent = (index: number) => {
    const id = events.at(-1 - index)?.id // the chart is ascending
    if (id !== undefined) void navigate({ to: '/events/$id', params: { id } })
  }
  const showMinute = (index: number) => {
    const start = timestamps[index] ?? 0
    const [created_at__gte, created_at__lt] = [start, start + secondsPerMinute].map((seconds) =>
      new Date(seconds * 1000).toISOString(),
    )
    void navigate({ to: '.', search: (current) => ({ ...current, created_at__gte, created_at__lt }) })
  }
  const label = isSingleUser ? (hasMore ? 'Balance since the oldest event shown' : 'Balance') : 'Events per minute'
  return (
    <Chart
      label={label}
      timestamps={timestamps}
      series={series}
      unit={isSingleUser ? 'Amount' : 'Events'}
      formatTimestamp={formatUnixTime}
      onOpen={isSingleUser ? openEvent : showMinute}
      openHint={(index) =>
        isSingleUser ? 'Click to open the event' : values[0]?.[index] ? 'Click to list these events' : undefined
      }
      decimals={isSingleUser ? 2 : 0}
      {...(!isSingleUser && { interval: secondsPerMinute })}
    />
  )
}
