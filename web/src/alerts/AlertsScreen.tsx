import { Badge, Button, Checkbox, Group, Text } from '@mantine/core'
import { useInfiniteQuery } from '@tanstack/react-query'
import { useMemo, useRef, useState } from 'react'

import { type Column, DataTable } from '../components/DataTable'
import { type Filter, FilterBar, useFilters } from '../components/filters'
import { TextLink } from '../components/links'
import { Screen } from '../components/Screen'
import { Empty } from '../components/placeholders'
import { TimeAgo } from '../components/TimeAgo'
import { useCodes } from '../rules/api'
import { useMay, useSession } from '../session/api'
import { useShortcut } from '../shell/shortcuts'
import { AlertButtons, colourOf } from './AlertButtons'
import { type Alert, alertsQuery, dispositions, states } from './api'
import { type Kind, useActs } from './useAlertActions'
import { useCursor } from './useRowNavigation'

const filters = [
  { name: 'state', label: 'State', any: 'Open', options: [...states.slice(1), { value: 'all', label: 'Any' }] },
  { name: 'code', label: 'Code' },
  { name: 'assignee', label: 'Assignee' },
  { name: 'user_id', label: 'User' },
  { name: 'disposition', label: 'It turned out', options: dispositions },
] as const satisfies Filter<string>[]

/** AlertsScreen is the inbox: what nobody has looked at yet, the newest first, unless one asks for something else. */
export function AlertsScreen() {
  const codes = useCodes()
  const [{ state = 'open', ...others }, set] = useFilters(filters)
  const query = useInfiniteQuery(alertsQuery({ ...others, ...(state !== 'all' && { state }) }))
  const alerts = useMemo(() => query.data?.pages.flatMap(({ rows }) => rows) ?? [], [query.data])
  const [chosen, choose] = useState<ReadonlySet<string>>(new Set())
  const selected = alerts.filter(({ id }) => chosen.has(id))
  const { act, busy, element } = useActs((left) => choose(new Set(left.map(({ id }) => id))))
  const list = useRef<HTMLDivElement>(null)
  const { step, at } = useCursor(list, alerts)
  const may = useMay('operator')
  const me = useSession()?.username
  const toggle = (id: string) => choose((known) => (known.has(id) ? new Set([...known].filter((one) => one !== id)) : new Set([...known, id])))

  const subject = () => (selected.length > 0 ? selected : at() ? [at() as Alert] : [])
  const press = (kind: Kind) => () => act(kind, subject())
  useShortcut('j', 'Next alert', () => step(1))
  useShortcut('k', 'Previous alert', () => step(-1))
  useShortcut('a', 'Acknowledge', press('acknowledge'), may)
  useShortcut('c', 'Close', press('close'), may)
  useShortcut('i', 'Assign', press('assign'), may)
  useShortcut('x', 'Select', () => void (at() && toggle((at() as Alert).id)), may)

  const columns: Column<Alert>[] = [
    {
      id: 'alert',
      header: 'Alert',
      value: (alert) => alert.user_id,
      cell: (alert) => (
        <Group gap="sm" wrap="nowrap">
          {may && <Checkbox aria-label={`Select the alert of user ${alert.user_id}: ${alert.alert_codes.join(', ')}`} checked={chosen.has(alert.id)} onChange={() => toggle(alert.id)} />}
          <TextLink to="/alerts/$id" params={{ id: alert.id }} data-row={alert.id}>
            User {alert.user_id}: {alert.alert_codes.join(', ')}
          </TextLink>
        </Group>
      ),
    },
    { id: 'why', header: 'Why', value: (alert) => alert.reasons.map(({ title }) => title).join('; ') },
    { id: 'raised', header: 'Raised', value: (alert) => alert.created_at, cell: (alert) => <TimeAgo at={alert.created_at} /> },
    {
      id: 'state',
      header: 'State',
      value: (alert) => alert.state,
      cell: (alert) => (
        <Badge color={colourOf(alert.state)} variant="light" tt="none">
          {alert.state}
        </Badge>
      ),
    },
    { id: 'assignee', header: 'Assignee', value: (alert) => alert.assignee },
    ...(may ? [{ id: 'do', header: 'To do', value: () => null, cell: (alert: Alert) => <AlertButtons alerts={[alert]} act={act} busy={busy(alert)} small /> }] : []),
  ]
  return (
    <Screen
      title="Alerts"
      actions={
        me && (
          <TextLink to="/alerts" search={{ state: 'all', assignee: me }} size="sm">
            Mine
          </TextLink>
        )
      }
    >
      <FilterBar filters={filters.map((filter) => (filter.name === 'code' ? { ...filter, options: codes } : filter))} values={state === 'open' ? others : { ...others, state }} set={set} />
      {selected.length > 0 && (
        <Group gap="sm" role="region" aria-label="Selected">
          <Text size="sm" role="status">
            {selected.length} selected
          </Text>
          <AlertButtons alerts={selected} act={act} />
          <Button variant="subtle" size="sm" onClick={() => choose(new Set())}>
            Select none
          </Button>
        </Group>
      )}
      <div ref={list}>
        <DataTable
          label="Alerts"
          query={query}
          columns={columns}
          rowKey={(alert) => alert.id}
          empty={
            Object.keys(others).length > 0 || state !== 'open' ? (
              <Empty title="No alert matches" />
            ) : (
              <Empty icon="alert" title="No open alerts">
                What the rules find shows here by itself.
              </Empty>
            )
          }
        />
      </div>
      {element}
    </Screen>
  )
}
