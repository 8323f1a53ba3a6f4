import { AlertStateBadge, SeverityBadge } from '../alerts/badges'
import { type Alert, alertStates, outcomes, severities } from '../alerts/api'
import { describeReasons } from '../alerts/explainReason'
import { TextLink } from '../components/links'
import { AbsoluteTime, TimeAgo } from '../components/TimeAgo'
import { voidOptions } from '../events/api'
import { VoidBadge } from '../events/VoidBadge'
import type { ListDefinition } from '../grid/types'
import { PersonName, UserName, useUserName } from '../people/PersonName'
import { useRuleOptions } from '../rules/api'
import { risks } from '../users/api'

/** AlertRow is an alert with the name of its user. */
export type AlertRow = Alert & { user_display_name?: string | null }

export const alertsList: ListDefinition<AlertRow> = {
  noun: 'alerts',
  label: 'Alerts',
  itemNames: { one: 'alert', many: 'alerts' },
  rowKey: (alert) => alert.id,
  keyFields: ['id'],
  defaultSort: '-id',
  defaultFilters: { state__in: 'open,acknowledged', snoozed: 'false' },
  include: 'user',
  isSearchable: false,
  columns: [
    {
      id: 'reasons',
      header: 'Alert',
      type: 'text',
      isSortable: false,
      isFilterable: false,
      value: (alert) => describeReasons(alert.reasons),
      cell: (alert) => (
        <TextLink to="/alerts/$id" params={{ id: alert.id }}>
          {describeReasons(alert.reasons)}
        </TextLink>
      ),
      exportFields: ['alert_codes'],
    },
    {
      id: 'severity',
      header: 'Severity',
      type: 'choice',
      options: severities,
      isSortable: false,
      width: 6.5,
      cell: ({ severity }) => <SeverityBadge severity={severity} />,
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
        <>
          <AlertStateBadge alert={alert} /> {alert.void_id && <VoidBadge />}
        </>
      ),
    },
    {
      id: 'assignee',
      header: 'Assignee',
      type: 'person',
      isNullable: true,
      width: 9,
      cell: ({ assignee }) => assignee && <PersonName username={assignee} />,
    },
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
      id: 'snoozed',
      header: 'Snoozed',
      type: 'boolean',
      options: [
        { value: 'true', label: 'Yes' },
        { value: 'false', label: 'No' },
      ],
      isFilterOnly: true,
    },
    {
      id: 'snoozed_until',
      header: 'Snoozed until',
      type: 'time',
      isNullable: true,
      isHidden: true,
      width: 12,
      cell: ({ snoozed_until }) => snoozed_until && <AbsoluteTime at={snoozed_until} />,
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
