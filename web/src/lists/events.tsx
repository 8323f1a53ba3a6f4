import { Group } from '@mantine/core'

import { TextLink } from '../components/links'
import { TimeAgo } from '../components/TimeAgo'
import { type Event, eventTypeLabels, formatEvent, voidOptions } from '../events/api'
import { VoidBadge } from '../events/VoidBadge'
import type { ListDefinition } from '../grid/types'
import { UserName, useUserName } from '../people/PersonName'
import { useRuleOptions } from '../rules/api'

/** EventRow is an event with the name of its user. */
type EventRow = Event & { user_display_name?: string | null }

export const eventsList: ListDefinition<EventRow> = {
  noun: 'events',
  label: 'Events',
  itemNames: { one: 'event', many: 'events' },
  rowKey: (event) => event.id,
  keyFields: ['id'],
  defaultSort: '-id',
  include: 'user',
  isSearchable: false,
  columns: [
    {
      id: 'type',
      header: 'Event',
      filterLabel: 'Type',
      type: 'choice',
      options: Object.entries(eventTypeLabels).map(([value, label]) => ({ value, label })),
      value: formatEvent,
      cell: (event) => (
        <Group gap={4} wrap="nowrap">
          <TextLink to="/events/$id" params={{ id: event.id }}>
            {formatEvent(event)}
          </TextLink>
          {event.void_id && <VoidBadge />}
        </Group>
      ),
      exportFields: ['type', 'amount'],
    },
    {
      id: 'user_display_name',
      header: 'User',
      type: 'text',
      isNullable: true,
      width: 11,
      reference: { kind: 'user', idField: 'user_id', useName: useUserName },
      cell: ({ user_id, user_display_name }) => <UserName id={user_id} name={user_display_name ?? undefined} />,
      exportFields: ['user_id', 'user_display_name'],
    },
    { id: 'amount', header: 'Amount', type: 'number', width: 7 },
    {
      id: 'created_at',
      header: 'Received',
      type: 'time',
      cell: (event) => <TimeAgo at={event.created_at} />,
      width: 8.5,
    },
    { id: 'time', header: 'Time', type: 'unixTime', cell: (event) => <TimeAgo at={event.time} />, width: 8.5 },
    {
      id: 'alert_codes',
      header: 'Alert',
      filterLabel: 'Rule',
      type: 'codes',
      useOptions: useRuleOptions,
      isSortable: false,
      cell: ({ alert_id, alert_codes }) =>
        alert_id && (
          <TextLink to="/alerts/$id" params={{ id: alert_id }}>
            Alert {alert_codes.join(', ')}
          </TextLink>
        ),
      width: 8,
    },
    { id: 'void_id', header: 'Void', type: 'presence', options: voidOptions, isFilterOnly: true },
  ],
}
