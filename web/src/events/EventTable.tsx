import { useMediaQuery } from '@mantine/hooks'
import { useWindowVirtualizer } from '@tanstack/react-virtual'
import { memo, useLayoutEffect, useRef } from 'react'

import { useAnchorNavigation } from '../components/links'
import { moveRowFocus } from '../components/moveRowFocus'
import { TimeAgo } from '../components/TimeAgo'
import { useElementOffset } from '../components/useElementOffset'
import { useUserName } from '../people/PersonName'
import { useDensity } from '../settings/density'
import { type Event, formatEvent } from './api'
import classes from './EventTable.module.css'
import { VoidBadge } from './VoidBadge'

// The table is virtualized: it can hold more than 10,000 rows, and only the visible rows are in the DOM. All rows have
// the same height, so no row is measured.

const rowHeights = { compact: 2, comfortable: 2.5, narrow: 3.5 } // rem

/** EventTable shows events, newest first. The arrow keys move between rows. */
export function EventTable({ events }: { events: Event[] }) {
  const bodyRef = useRef<HTMLDivElement>(null)
  const { top, rem } = useElementOffset(bodyRef)
  const isNarrow = useMediaQuery('(max-width: 57em)', undefined, { getInitialValueInEffect: false }) ?? false
  const [density] = useDensity()
  const height = rowHeights[isNarrow ? 'narrow' : density] * rem
  const virtualizer = useWindowVirtualizer({
    count: events.length,
    estimateSize: () => height,
    overscan: 8,
    scrollMargin: top,
  })
  useLayoutEffect(() => virtualizer.measure(), [virtualizer, height])
  const { basePath, handleClick } = useAnchorNavigation()
  const userName = useUserName()
  return (
    // oxlint-disable-next-line jsx-a11y/no-noninteractive-element-interactions -- handles clicks on links in rows
    <div
      role="table"
      aria-label="Events"
      aria-rowcount={events.length + 1}
      className={classes.table}
      onKeyDown={moveRowFocus}
      onClick={handleClick}
    >
      <div role="rowgroup">
        <div role="row" aria-rowindex={1} className={`${classes.row} ${classes.header}`}>
          {['Event', 'User', 'Received', 'Time', 'Alert'].map((name) => (
            <span role="columnheader" key={name}>
              {name}
            </span>
          ))}
        </div>
      </div>
      <div role="rowgroup" ref={bodyRef} className={classes.body} style={{ height: virtualizer.getTotalSize() }}>
        {virtualizer.getVirtualItems().map(({ index, start, size }) => {
          const event = events[index]
          return (
            event && (
              <EventRow
                key={event.id}
                event={event}
                index={index}
                start={start - top}
                size={size}
                basePath={basePath}
                userName={userName(event.user_id)}
              />
            )
          )
        })}
      </div>
    </div>
  )
}

interface EventRowProps {
  event: Event
  index: number
  start: number
  size: number
  basePath: string
  userName: string
}

const EventRow = memo(function EventRow({ event, index, start, size, basePath, userName }: EventRowProps) {
  return (
    <div
      role="row"
      aria-rowindex={index + 2}
      className={classes.row}
      style={{ height: size, transform: `translateY(${start}px)` }}
    >
      <span role="rowheader">
        <a href={`${basePath}/events/${event.id}`}>{formatEvent(event)}</a> {event.void_id && <VoidBadge />}
      </span>
      <span role="cell">
        <a href={`${basePath}/events?user_id=${event.user_id}`}>{userName}</a>
      </span>
      <span role="cell">
        <TimeAgo at={event.created_at} />
      </span>
      <span role="cell" className={classes.eventTime}>
        <TimeAgo at={event.time} />
      </span>
      <span role="cell">
        {event.alert_id && <a href={`${basePath}/alerts/${event.alert_id}`}>Alert {event.alert_codes.join(', ')}</a>}
      </span>
    </div>
  )
})
