import { Text, Timeline } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'

import { Icon } from '../components/icons'
import { TextLink } from '../components/links'
import { EmptyState } from '../components/placeholders'
import { QueryBoundary } from '../components/QueryBoundary'
import { StatusBadge } from '../components/StatusBadge'
import { AbsoluteTime, TimeAgo } from '../components/TimeAgo'
import { PersonName, usePersonName } from '../people/PersonName'
import { type Checkout, timelineQuery, timelineSize } from './api'
import { DueBack } from './DueBack'
import { outcomeLabel } from './outcomes'

/** CustodyTimeline lists who had a container, newest first: from when until when, the outcome and the events. */
export function CustodyTimeline({ uuid }: { uuid: string }) {
  const query = useQuery(timelineQuery(uuid))
  return (
    <QueryBoundary query={query}>
      {({ rows, nextCursor }) =>
        rows.length === 0 ? (
          <EmptyState icon="checkOut" title="This container was never checked out" />
        ) : (
          <>
            <Timeline active={rows[0]?.returned_at === null ? 0 : -1} bulletSize={24} lineWidth={2} mt="xs">
              {rows.map((checkout) => (
                <Timeline.Item
                  key={checkout.id}
                  bullet={<Icon name={checkout.returned_at === null ? 'checkOut' : 'checkIn'} size={14} />}
                  title={<PersonName username={checkout.holder} isLink />}
                >
                  <Entry checkout={checkout} />
                </Timeline.Item>
              ))}
            </Timeline>
            {nextCursor !== undefined && (
              <Text size="sm" c="dimmed">
                The newest {timelineSize} check-outs
              </Text>
            )}
          </>
        )
      }
    </QueryBoundary>
  )
}

function Entry({ checkout }: { checkout: Checkout }) {
  const { holder, checked_out_at, checked_out_by, returned_at, returned_by, outcome, purpose, due_on } = checkout
  const personName = usePersonName()
  const by = (username: string | null) => username !== null && username !== holder && ` by ${personName(username)}`
  return (
    <Text size="sm" component="div" style={{ overflowWrap: 'anywhere' }}>
      <div>
        <AbsoluteTime at={checked_out_at} />
        {by(checked_out_by)} – {returned_at ? <AbsoluteTime at={returned_at} /> : 'now'}
        {by(returned_by)}
      </div>
      <div>
        {outcome ? <StatusBadge tone="inactive">{outcomeLabel(outcome)}</StatusBadge> : <OpenState checkout={checkout} />}
      </div>
      {purpose && <div>For: {purpose}</div>}
      {due_on && returned_at !== null && (
        <div>
          Due back on <DueBack checkout={checkout} />
        </div>
      )}
      <EventLinks checkout={checkout} />
    </Text>
  )
}

function OpenState({ checkout }: { checkout: Checkout }) {
  return (
    <>
      <StatusBadge tone="info">Checked out</StatusBadge> <TimeAgo at={checkout.checked_out_at} />{' '}
      <DueBack checkout={checkout} />
    </>
  )
}

function EventLinks({ checkout: { event_id, return_event_id } }: { checkout: Checkout }) {
  return (
    <>
      {event_id && (
        <TextLink to="/events/$id" params={{ id: event_id }}>
          Withdrawal
        </TextLink>
      )}
      {event_id && return_event_id && ', '}
      {return_event_id && (
        <TextLink to="/events/$id" params={{ id: return_event_id }}>
          Deposit
        </TextLink>
      )}
    </>
  )
}
