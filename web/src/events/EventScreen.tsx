import { Menu, Text } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import { useParams } from '@tanstack/react-router'
import { type ReactNode, useState } from 'react'

import { DescriptionList } from '../components/DescriptionList'
import { DetailColumns } from '../components/DetailColumns'
import { Icon } from '../components/icons'
import { ButtonLink, MenuItemLink, TextLink } from '../components/links'
import { MoreMenu } from '../components/MoreMenu'
import { Panel } from '../components/Panel'
import { QueryBoundary } from '../components/QueryBoundary'
import { Screen } from '../components/Screen'
import { type Column, RowTable } from '../components/RowTable'
import { StatusBadge } from '../components/StatusBadge'
import { AbsoluteTime } from '../components/TimeAgo'
import { usePeople } from '../people/api'
import { PersonName, UserName, useUserName } from '../people/PersonName'
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
  const userName = useUserName()
  return (
    <Screen
      title={data ? `${formatEvent(data)} by ${userName(data.user_id)}` : 'Event'}
      breadcrumb={<TextLink to="/events">Events</TextLink>}
      badges={data?.void_id && <VoidBadge />}
      actions={data && <EventActions event={data} />}
    >
      <QueryBoundary query={query}>
        {(event) => (
          <DetailColumns facts={<Details event={event} />}>
            <RuleEvaluation event={event} />
          </DetailColumns>
        )}
      </QueryBoundary>
    </Screen>
  )
}

function EventActions({ event }: { event: EventDetails }) {
  const canVoid = usePermission('admin') && event.void_id === null
  const [isVoiding, setIsVoiding] = useState(false)
  return (
    <>
      {event.alert_id && (
        <ButtonLink to="/alerts/$id" params={{ id: event.alert_id }}>
          Open alert
        </ButtonLink>
      )}
      <MoreMenu>
        <MenuItemLink
          to="/events"
          search={{ user_id: String(event.user_id) }}
          leftSection={<Icon name="event" size={16} />}
        >
          All events of this person
        </MenuItemLink>
        {canVoid && (
          <Menu.Item
            c="var(--critical)"
            leftSection={<Icon name="forbidden" size={16} />}
            onClick={() => setIsVoiding(true)}
          >
            Void event
          </Menu.Item>
        )}
      </MoreMenu>
      {isVoiding && <VoidDialog event={event} onClose={() => setIsVoiding(false)} />}
    </>
  )
}

function Details({ event }: { event: EventDetails }) {
  const hasAccount = usePeople()?.byId.has(event.user_id) ?? false
  const voidItems: [string, ReactNode][] =
    event.void_id && event.voided_at && event.voided_by
      ? [
          ['Voided', <AbsoluteTime key="voided" at={event.voided_at} />],
          ['Voided by', <PersonName key="by" username={event.voided_by} />],
          ['Reason of the void', event.void_reason],
        ]
      : []
  return (
    <Panel title="Details" id="details">
      <DescriptionList
        items={[
          ['Type', eventTypeLabels[event.type]],
          ['Amount', event.amount],
          ['User', <UserName key="user" id={event.user_id} isLink={hasAccount} />],
          ...voidItems,
          ['Time', <AbsoluteTime key="time" at={event.time} />],
          ['Counted at', <AbsoluteTime key="counted" at={event.effective_time} />],
          ['Received', <AbsoluteTime key="received" at={event.created_at} />],
          ['Risk level at the time', event.risk],
          ['Recorded by', <PersonName key="actor" username={event.actor} />],
        ]}
      />
    </Panel>
  )
}

interface Measurement {
  code: string
  title: string
  value: string | number
  isLimitReached: boolean
}

const columns: Column<Measurement>[] = [
  {
    id: 'rule',
    header: 'Rule',
    value: ({ title }) => title,
    cell: ({ code, title }) => (
      <TextLink to="/rules/$code" params={{ code }}>
        {title}
      </TextLink>
    ),
  },
  { id: 'value', header: 'Measured', value: ({ value }) => value, alignEnd: true, width: 7 },
  {
    id: 'result',
    header: 'Result',
    value: ({ isLimitReached }) => (isLimitReached ? 'Limit reached' : 'Within the limit'),
    cell: ({ isLimitReached }) => (
      <StatusBadge tone={isLimitReached ? 'critical' : 'fine'}>
        {isLimitReached ? 'Limit reached' : 'Within the limit'}
      </StatusBadge>
    ),
    width: 9,
  },
]

/** RuleEvaluation lists the measured values by rule: the length of a sequence, a number of events, or an amount. */
function RuleEvaluation({ event }: { event: EventDetails }) {
  const titles = new Map(useRuleOptions().map(({ value, label }) => [value, label]))
  const measurements = Object.entries(event.facts).map(
    ([code, value]): Measurement => ({
      code,
      title: titles.get(code) ?? code,
      value: value as string | number,
      isLimitReached: event.alert_codes.includes(Number(code)),
    }),
  )
  return (
    <Panel title="Rule evaluation" id="rules">
      {measurements.length === 0 ? (
        <Text size="sm" c="dimmed">
          Not evaluated by any rule.
        </Text>
      ) : (
        <RowTable label="Rule evaluation" columns={columns} rows={measurements} rowKey={({ code }) => code} />
      )}
    </Panel>
  )
}
