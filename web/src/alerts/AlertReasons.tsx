import { Button, Card, Group, Stack, Text, Title } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import { useState } from 'react'

import { DescriptionList } from '../components/DescriptionList'
import { TextLink } from '../components/links'
import { TimeAgo } from '../components/TimeAgo'
import { type Event, eventsUpToQuery, formatEvent } from '../events/api'
import { appliesToLabels } from '../rules/api'
import { formatLimit } from '../rules/formatLimit'
import type { Alert } from './api'
import { explainReason, type Reason } from './explainReason'

/** AlertReasons explains an alert: one card per rule that fired, with the events that the rule counted. */
export function AlertReasons({ alert }: { alert: Alert }) {
  const { data: events = [] } = useQuery(eventsUpToQuery({ id: alert.event_id, user_id: alert.user_id }))
  return (
    <Stack>
      {alert.reasons.map((reason) => (
        <Card withBorder key={reason.code}>
          <Stack gap="sm">
            <Group justify="space-between" gap="xs">
              <Title order={3}>
                {reason.code} {reason.title}
              </Title>
              <TextLink to="/rules/$code" params={{ code: String(reason.code) }} size="sm">
                Rule {reason.code}, version {reason.version}
              </TextLink>
            </Group>
            <Text>{explainReason(reason, alert.risk)}</Text>
            <DescriptionList
              items={[
                ['Measured', reason.value],
                [`Limit (${alert.risk} risk)`, formatLimit(reason.code, reason.limit_at_risk)],
                ...(alert.risk === 'medium'
                  ? []
                  : [['Limit (medium risk)', formatLimit(reason.code, reason.limit)] satisfies [string, string]]),
                ['Time window', reason.window_seconds === null ? null : `${reason.window_seconds} seconds`],
                ['Applies to', appliesToLabels[reason.applies_to]],
              ]}
            />
            <CountedEvents reason={reason} events={events} />
          </Stack>
        </Card>
      ))}
    </Stack>
  )
}

const collapsedCount = 12

/** CountedEvents lists the events that a rule counted, newest first. */
function CountedEvents({ reason, events }: { reason: Reason; events: Event[] }) {
  const [showAll, setShowAll] = useState(false)
  const ids = reason.event_ids?.toReversed()
  if (!ids) return null
  const eventsById = new Map(events.map((event) => [event.id, event]))
  return (
    <div>
      <Text size="sm" c="dimmed">
        {ids.length === 1 ? '1 event counted' : `${ids.length} events counted (newest first)`}
      </Text>
      <Stack component="ol" gap={0} m={0} pl="lg" aria-label={`Events counted by rule ${reason.code}`}>
        {(showAll ? ids : ids.slice(0, collapsedCount)).map((id) => {
          const event = eventsById.get(id)
          return (
            <li key={id}>
              <TextLink to="/events/$id" params={{ id }} size="sm">
                {event ? formatEvent(event) : id}
              </TextLink>
              {event && (
                <Text span size="sm" c="dimmed">
                  , <TimeAgo at={event.time} />
                </Text>
              )}
            </li>
          )
        })}
      </Stack>
      {ids.length > collapsedCount && !showAll && (
        <Button variant="subtle" size="compact-sm" onClick={() => setShowAll(true)}>
          Show all {ids.length}
        </Button>
      )}
    </div>
  )
}
