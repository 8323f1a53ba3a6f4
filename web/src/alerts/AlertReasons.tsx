import { Button, Stack, Text } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import { lazy, useMemo, useState } from 'react'

import { formatUnixTime } from '../components/formatUnixTime'
import { LazyBoundary } from '../components/LazyBoundary'
import { TextLink } from '../components/links'
import { type Event, eventsAfterQuery, eventsUpToQuery, eventTypeLabels } from '../events/api'
import { PersonName } from '../people/PersonName'
import classes from './AlertView.module.css'
import type { Alert } from './api'
import { eventsAround } from './eventsAround'
import { explainReason, type Reason } from './explainReason'

const AlertChart = lazy(() => import('./AlertChart').then((module) => ({ default: module.AlertChart })))

/** AlertReasons explains an alert: what happened around the event, and for each rule the events that it counted. */
export function AlertReasons({ alert }: { alert: Alert }) {
  const event = { id: alert.event_id, user_id: alert.user_id }
  const { data: before } = useQuery(eventsUpToQuery(event))
  const { data: after } = useQuery(eventsAfterQuery(event))
  const countedIds = useMemo(() => new Set(alert.reasons.flatMap(({ event_ids }) => event_ids ?? [])), [alert])
  const events = useMemo(
    () => before && after && eventsAround([...after.toReversed(), ...before], countedIds),
    [before, after, countedIds],
  )
  return (
    <Stack gap="sm">
      {events && (
        <LazyBoundary>
          <AlertChart events={events} countedIds={countedIds} />
        </LazyBoundary>
      )}
      {alert.reasons.map((reason) => (
        <section key={reason.code} aria-label={reason.title}>
          <Text size="sm">
            <TextLink to="/rules/$code" params={{ code: String(reason.code) }} fw={600} size="sm">
              {reason.title}
            </TextLink>
            {': '}
            {explainReason(reason, alert.risk)}{' '}
            <Text span inherit c="dimmed">
              Rule {reason.code}, version {reason.version}
            </Text>
          </Text>
          <CountedEvents reason={reason} events={before ?? []} />
        </section>
      ))}
    </Stack>
  )
}

const collapsedCount = 12

/** runningSums adds up the amounts of events in their order. */
function runningSums(events: Event[]): { event: Event; sum: string }[] {
  let cents = 0
  return events.map((event) => {
    cents += Math.round(Number(event.amount) * 100)
    return { event, sum: (cents / 100).toFixed(2) }
  })
}

/** CountedEvents lists the events that a rule counted, with their running sum. */
function CountedEvents({ reason, events }: { reason: Reason; events: Event[] }) {
  const [showAll, setShowAll] = useState(false)
  const eventsById = new Map(events.map((event) => [event.id, event]))
  const counted = reason.event_ids?.map((id) => eventsById.get(id)).filter((event) => event !== undefined) ?? []
  if (counted.length === 0) return null
  const rows = runningSums(counted)
  const hiddenCount = showAll ? 0 : Math.max(0, rows.length - collapsedCount)
  return (
    <>
      <div className={classes.scroll}>
        <table className={classes.events} aria-label={`Events counted by rule ${reason.code}`}>
          <thead>
            <tr>
              <th scope="col">Time</th>
              <th scope="col">Event</th>
              <th scope="col" className={classes.number}>
                Amount
              </th>
              <th scope="col" className={classes.number}>
                Sum
              </th>
              <th scope="col">Recorded by</th>
            </tr>
          </thead>
          <tbody>
            {rows.slice(hiddenCount).map(({ event, sum }) => (
              <tr key={event.id}>
                <td>{formatUnixTime(event.time)}</td>
                <td>
                  <TextLink to="/events/$id" params={{ id: event.id }} size="sm">
                    {eventTypeLabels[event.type]}
                  </TextLink>
                </td>
                <td className={classes.number}>{event.amount}</td>
                <td className={classes.number}>{sum}</td>
                <td>
                  <PersonName username={event.actor} />
                </td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
      {hiddenCount > 0 && (
        <Button variant="subtle" size="compact-sm" onClick={() => setShowAll(true)}>
          Show all {rows.length} events
        </Button>
      )}
    </>
  )
}
