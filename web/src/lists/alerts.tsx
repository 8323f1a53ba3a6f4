import { Badge, Group } from '@mantine/core'

import { alertStateColor } from '../alerts/AlertButtons'
import { type Alert, alertStateLabel, alertStates, outcomes } from '../alerts/api'
import { TextLink } from '../components/links'
import { TimeAgo } from '../components/TimeAgo'
import { voidOptions } from '../events/api'
import { VoidBadge } from '../events/VoidBadge'
import type { ListDefinition } from '../grid/types'
import { useRuleOptions } from '../rules/api'
import { risks } from '../users/api'

export const alertsList: ListDefinition<Alert> = {
  noun: 'alerts',
  label: 'Alerts',
  itemNames: { one: 'alert', many: 'alerts' },
  rowKey: (alert) => alert.id,
  keyFields: ['id'],
  defaultSort: '-id',
  defaultFilters: { state: 'open' },
  columns: [
    {
      id: 'user_id',
      header: 'Alert',
      filterLabel: 'User',
      type: 'number',
      width: 11,
      value: (alert) => `User ${alert.user_id}: ${alert.alert_codes.join(', ')}`,
      cell: (alert) => (
        <TextLink to="/alerts/$id" params={{ id: alert.id }}>
          User {alert.user_id}: {alert.alert_codes.join(', ')}
        </TextLink>
      ),
      exportFields: ['user_id', 'alert_codes'],
    },
    {
      id: 'reasons',
      header: 'Reasons',
      type: 'text',
      isSortable: false,
      isFilterable: false,
      value: (alert) => alert.reasons.map(({ title }) => title).join('; '),
    },
    { id: 'alert_codes', header: 'Rule', type: 'codes', isFilterOnly: true, useOptions: useRuleOptions },
    {
      id: 'created_at',
      header: 'Raised',
      type: 'time',
      width: 8.5,
      cell: (alert) => <TimeAgo at={alert.created_at} />,
    },
    {
      id: 'state',
      header: 'State',
      type: 'choice',
      options: alertStates,
      width: 9,
      cell: (alert) => (
        <Group gap={4} wrap="nowrap">
          <Badge color={alertStateColor(alert.state)} variant="light" tt="none">
            {alertStateLabel(alert.state)}
          </Badge>
          {alert.void_id && <VoidBadge />}
        </Group>
      ),
    },
    { id: 'assignee', header: 'Assignee', type: 'text', isNullable: true, width: 6.5 },
    {
      id: 'disposition',
      header: 'Outcome',
      type: 'choice',
      options: outcomes,
      isNullable: true,
      isHidden: true,
      value: (alert) => outcomes.find(({ value }) => value === alert.disposition)?.label ?? null,
    },
    {
      id: 'risk',
      header: 'Risk level',
      type: 'choice',
      options: risks.map((risk) => ({ value: risk, label: risk })),
      isHidden: true,
    },
    { id: 'note', header: 'Note', type: 'text', isNullable: true, isHidden: true },
    { id: 'void_id', header: 'Void', type: 'presence', options: voidOptions, isFilterOnly: true },
  ],
}
