import { useMediaQuery } from '@mantine/hooks'
import { useWindowVirtualizer } from '@tanstack/react-virtual'
import { memo, useLayoutEffect, useRef } from 'react'

import { usePlainLinks } from '../components/links'
import { stepRows } from '../components/moveRowFocus'
import { TimeAgo } from '../components/TimeAgo'
import { usePlace } from '../components/useElementOffset'
import type { Event } from './api'
import style from './EventTable.module.css'

// Ten thousand rows and more, of which those in sight are in the page. All are equally high, so that none needs to be measured.

const heights = { wide: 2.5, narrow: 4.5 } // rem

/** EventTable shows events, the newest first. Arrows go from row to row. */
export function EventTable({ events }: { events: Event[] }) {
  const frame = useRef<HTMLDivElement>(null)
  const { top, rem } = usePlace(frame)
  const narrow = useMediaQuery('(max-width: 57em)', undefined, { getInitialValueInEffect: false }) ?? false
  const height = (narrow ? heights.narrow : heights.wide) * rem
  const virtualizer = useWindowVirtualizer({ count: events.length, estimateSize: () => height, overscan: 8, scrollMargin: top })
  useLayoutEffect(() => virtualizer.measure(), [virtualizer, height])
  const { base, follow } = usePlainLinks()
  return (
    // oxlint-disable-next-line jsx-a11y/no-noninteractive-element-interactions -- it only leads what its links are asked
    <div role="table" aria-label="Events" aria-rowcount={events.length + 1} className={style.table} onKeyDown={stepRows} onClick={follow}>
      <div role="rowgroup">
        <div role="row" aria-rowindex={1} className={`${style.row} ${style.head}`}>
          {['Event', 'User', 'Arrived', 'Happened', 'Alert'].map((name) => (
            <span role="columnheader" key={name}>
              {name}
            </span>
          ))}
        </div>
      </div>
      <div role="rowgroup" ref={frame} className={style.rows} style={{ height: virtualizer.getTotalSize() }}>
        {virtualizer.getVirtualItems().map(({ index, start, size }) => {
          const event = events[index]
          return event && <Row key={event.id} event={event} index={index} start={start - top} size={size} base={base} />
        })}
      </div>
    </div>
  )
}

interface RowProps {
  event: Event
  index: number
  start: number
  size: number
  base: string
}

const Row = memo(function Row({ event, index, start, size, base }: RowProps) {
  return (
    <div role="row" aria-rowindex={index + 2} className={style.row} style={{ height: size, transform: `translateY(${start}px)` }}>
      <span role="rowheader">
        <a href={`${base}/events/${event.id}`}>
          {event.type} {event.amount}
        </a>
      </span>
      <span role="cell">
        <a href={`${base}/events?user_id=${event.user_id}`}>User {event.user_id}</a>
      </span>
      <span role="cell">
        <TimeAgo at={event.created_at} />
      </span>
      <span role="cell" className={style.happened}>
        <TimeAgo at={event.time} />
      </span>
      <span role="cell">{event.alert_id && <a href={`${base}/alerts/${event.alert_id}`}>Alert {event.alert_codes.join(', ')}</a>}</span>
    </div>
  )
})
