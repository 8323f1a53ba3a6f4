import { Button, Card, Text } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import { useParams } from '@tanstack/react-router'
import { type ReactNode, useState } from 'react'

import { DescriptionList } from '../components/DescriptionList'
import { TextLink } from '../components/links'
import { QueryBoundary } from '../components/QueryBoundary'
import { Screen } from '../components/Screen'
import { Section } from '../components/Section'
import { TimeAgo } from '../components/TimeAgo'
import { useRuleOptions } from '../rules/api'
import { usePermission } from '../session/api'
import { type EventDetails, eventQuery, eventTypeLabels, formatEvent } from './api'
import { VoidBadge } from './VoidBadge'
import { VoidDialog } from './VoidDialog'

/** EventScreen shows an event, the value that each rule measured, and the alert that the event triggered. */
export function EventScreen() {
  const { id } = useParams({ from: '/events/$id' })
  const query = useQuery(eventQuery(id))
  const { data } = query
  const canVoid = usePermission('admin')
  const [isVoiding, setIsVoiding] = useState(false)
  return (
    <Screen
      title={data ? `${formatEvent(data)} by user ${data.user_id}` : 'Event'}
      breadcrumb={<TextLink to="/events">Events</TextLink>}
      actions={
        canVoid &&
        data?.void_id === null && (
          <Button variant="default" onClick={() => setIsVoiding(true)}>
            Void event
          </Button>
        )
      }
    >
      <QueryBoundary query={query}>
        {(event) => (
          <>
            <Section title="Details" id="details">
              <Details event={event} />
            </Section>
            <Section title="Rule evaluation" id="rules">
              <RuleMeasurements event={event} />
            </Section>
          </>
        )}
      </QueryBoundary>
      {data && isVoiding && <VoidDialog event={data} onClose={() => setIsVoiding(false)} />}
    </Screen>
  )
}

function Details({ event }: { event: EventDetails }) {
  return (
    <Card withBorder>
      <DescriptionList
        items={[
          ['Type', eventTypeLabels[event.type]],
          ['Amount', event.amount],
          ...(event.void_id && event.voided_at
            ? ([
                [
                  'State',
                  <span key="state">
                    <VoidBadge /> <TimeAgo at={event.voided_at} /> by {event.voided_by}
                  </span>,
                ],
                ['Reason of the void', event.void_reason],
              ] satisfies [string, ReactNode][])
            : []),
          [
            'User',
            <TextLink key="user" to="/events" search={{ user_id: String(event.user_id) }}>
              {event.user_id}
            </TextLink>,
          ],
          ['Time', <TimeAgo key="time" at={event.time} />],
          ['Counted at', <TimeAgo key="counted" at={event.effective_time} />],
          ['Received', <TimeAgo key="received" at={event.created_at} />],
          ['Risk level at the time', event.risk],
          ['Recorded by', event.actor],
          [
            'Alert',
            event.alert_id && (
              <TextLink key="alert" to="/alerts/$id" params={{ id: event.alert_id }}>
                {event.alert_codes.join(', ')}
              </TextLink>
            ),
          ],
        ]}
      />
    </Card>
  )
}

/** RuleMeasurements lists the measured values by rule: the length of a sequence, a number of events, or an amount. */
function RuleMeasurements({ event }: { event: EventDetails }) {
  const titles = new Map(useRuleOptions().map(({ value, label }) => [value, label]))
  const measurements = Object.entries(event.facts)
  if (measurements.length === 0) return <Text c="dimmed">Not evaluated by any rule.</Text>
  return (
    <Card withBorder>
      <DescriptionList
        items={measurements.map(([code, value]) => [
          titles.get(code) ?? code,
          <span key={code}>
            {value}
            {event.alert_codes.includes(Number(code)) && (
              <Text span c="dimmed">
                {' (limit reached)'}
              </Text>
            )}{' '}
            <TextLink to="/rules/$code" params={{ code }} size="sm" aria-label={`Rule ${code}`}>
              Rule
            </TextLink>
          </span>,
        ])}
      />
    </Card>
  )
}
