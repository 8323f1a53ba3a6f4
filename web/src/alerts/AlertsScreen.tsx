import { Badge, Button, Checkbox, Group, Text } from '@mantine/core'
import { useInfiniteQuery } from '@tanstack/react-query'
import { useMemo, useRef, useState } from 'react'

import { type Column, DataTable } from '../components/DataTable'
import { type Filter, FilterBar, useFilters } from '../components/filters'
import { TextLink } from '../components/links'
import { EmptyState } from '../components/placeholders'
import { Screen } from '../components/Screen'
import { TimeAgo } from '../components/TimeAgo'
import { voidOptions } from '../events/api'
import { VoidBadge } from '../events/VoidBadge'
import { useRuleOptions } from '../rules/api'
import { usePermission, useSession } from '../session/api'
import { useShortcut } from '../shell/shortcuts'
import { AlertButtons, alertStateColor } from './AlertButtons'
import { type Alert, alertsQuery, alertStateLabel, alertStates, outcomes } from './api'
import { type AlertAction, useAlertActions } from './useAlertActions'
import { useRowNavigation } from './useRowNavigation'

const filters = [
  {
    name: 'state',
    label: 'State',
    anyLabel: 'Open',
    options: [...alertStates.slice(1), { value: 'all', label: 'Any' }],
  },
  { name: 'code', label: 'Rule' },
  { name: 'assignee', label: 'Assignee' },
  { name: 'user_id', label: 'User' },
  { name: 'disposition', label: 'Outcome', options: outcomes },
  { name: 'voided', label: 'Void', options: voidOptions },
] as const satisfies Filter<string>[]

/** AlertsScreen is the alert inbox. Without filters it lists open alerts, newest first. */
export function AlertsScreen() {
  const ruleOptions = useRuleOptions()
  const [{ state = 'open', ...otherFilters }, setFilter] = useFilters(filters)
  const query = useInfiniteQuery(alertsQuery({ ...otherFilters, ...(state !== 'all' && { state }) }))
  const alerts = useMemo(() => query.data?.pages.flatMap(({ rows }) => rows) ?? [], [query.data])
  const [selectedIds, setSelectedIds] = useState<ReadonlySet<string>>(new Set())
  const selected = alerts.filter(({ id }) => selectedIds.has(id))
  const { runAction, isBusy, dialogs } = useAlertActions((skipped) =>
    setSelectedIds(new Set(skipped.map(({ id }) => id))),
  )
  const listRef = useRef<HTMLDivElement>(null)
  const { moveFocus, getFocusedRow } = useRowNavigation(listRef, alerts)
  const canEdit = usePermission('operator')
  const username = useSession()?.username
  const toggle = (id: string) =>
    setSelectedIds((current) =>
      current.has(id) ? new Set([...current].filter((selectedId) => selectedId !== id)) : new Set([...current, id]),
    )

  const actionTargets = () => (selected.length > 0 ? selected : getFocusedRow() ? [getFocusedRow() as Alert] : [])
  const runOnTargets = (action: AlertAction) => () => runAction(action, actionTargets(), { confirm: true })
  useShortcut('j', 'Next alert', () => moveFocus(1))
  useShortcut('k', 'Previous alert', () => moveFocus(-1))
  useShortcut('y', 'Acknowledge', runOnTargets('acknowledge'), canEdit)
  useShortcut('q', 'Close', runOnTargets('close'), canEdit)
  useShortcut('i', 'Assign', runOnTargets('assign'), canEdit)
  useShortcut('x', 'Select', () => void (getFocusedRow() && toggle((getFocusedRow() as Alert).id)), canEdit)

  const columns: Column<Alert>[] = [
    {
      id: 'alert',
      header: 'Alert',
      width: 13.25,
      value: (alert) => alert.user_id,
      cell: (alert) => (
        <Group gap="xs" wrap="nowrap">
          {canEdit && (
            <Checkbox
              aria-label={`Select alert for user ${alert.user_id}: ${alert.alert_codes.join(', ')}`}
              checked={selectedIds.has(alert.id)}
              onChange={() => toggle(alert.id)}
            />
          )}
          <TextLink to="/alerts/$id" params={{ id: alert.id }} data-row={alert.id} truncate>
            User {alert.user_id}: {alert.alert_codes.join(', ')}
          </TextLink>
        </Group>
      ),
    },
    { id: 'reasons', header: 'Reasons', value: (alert) => alert.reasons.map(({ title }) => title).join('; ') },
    {
      id: 'raised',
      header: 'Raised',
      width: 8.5,
      value: (alert) => alert.created_at,
      cell: (alert) => <TimeAgo at={alert.created_at} />,
    },
    {
      id: 'state',
      header: 'State',
      width: 10.5,
      value: (alert) => alert.state,
      cell: (alert) => (
        <Group gap={4} wrap="nowrap">
          <Badge color={alertStateColor(alert.state)} variant="light" tt="none">
            {alertStateLabel(alert.state)}
          </Badge>
          {alert.void_id && <VoidBadge />}
        </Group>
      ),
    },
    { id: 'assignee', header: 'Assignee', value: (alert) => alert.assignee, width: 7 },
    ...(canEdit
      ? [
          {
            id: 'actions',
            header: 'Actions',
            width: 16,
            value: () => null,
            cell: (alert: Alert) => (
              <AlertButtons alerts={[alert]} onAction={runAction} isBusy={isBusy(alert)} isCompact />
            ),
          },
        ]
      : []),
  ]
  return (
    <Screen
      title="Alerts"
      actions={
        username && (
          <TextLink to="/alerts" search={{ state: 'all', assignee: username }} size="sm">
            Assigned to me
          </TextLink>
        )
      }
    >
      <FilterBar
        filters={filters.map((filter) => (filter.name === 'code' ? { ...filter, options: ruleOptions } : filter))}
        values={state === 'open' ? otherFilters : { ...otherFilters, state }}
        onChange={setFilter}
      />
      {selected.length > 0 && (
        <Group gap="sm" role="region" aria-label="Selected alerts">
          <Text size="sm" role="status">
            {selected.length} selected
          </Text>
          <AlertButtons alerts={selected} onAction={runAction} />
          <Button variant="subtle" size="sm" onClick={() => setSelectedIds(new Set())}>
            Clear selection
          </Button>
        </Group>
      )}
      <div ref={listRef}>
        <DataTable
          label="Alerts"
          query={query}
          columns={columns}
          rowKey={(alert) => alert.id}
          empty={
            Object.keys(otherFilters).length > 0 || state !== 'open' ? (
              <EmptyState title="No alerts match these filters" />
            ) : (
              <EmptyState icon="alert" title="No open alerts">
                New alerts appear here automatically.
              </EmptyState>
            )
          }
        />
      </div>
      {dialogs}
    </Screen>
  )
}
