import { Button, Group, Stack, Text } from '@mantine/core'
import { useInfiniteQuery } from '@tanstack/react-query'
import { useRouter } from '@tanstack/react-router'

import type { Change, ChangeFilters } from '../changes/api'
import { ChangeDiff } from '../changes/ChangeList'
import { diffChange } from '../changes/diffChange'
import { type Filter, FilterBar, useFilters } from '../components/filters'
import { TextLink } from '../components/links'
import { EmptyState } from '../components/placeholders'
import { QueryBoundary } from '../components/QueryBoundary'
import { Screen } from '../components/Screen'
import { TimeAgo } from '../components/TimeAgo'
import { computerLabels } from '../computers/api'
import { containerLabels } from '../containers/api'
import { freezerLabels } from '../freezers/api'
import { ruleLabels } from '../rules/api'
import { usePermission } from '../session/api'
import { siteLabels } from '../sites/api'
import { todoLabels } from '../todos/api'
import { userLabels } from '../users/api'
import { changesQuery } from './api'
import { describeRow, historyTables, humanize, rowPath } from './tables'

const filters = [
  { name: 'table_name', label: 'Type', options: historyTables },
  { name: 'row_key', label: 'ID' },
  { name: 'actor', label: 'Changed by' },
  {
    name: 'action',
    label: 'Action',
    options: [
      { value: 'insert', label: 'Created' },
      { value: 'update', label: 'Changed' },
      { value: 'delete', label: 'Deleted' },
    ],
  },
  { name: 'request_id', label: 'Request ID' },
] as const satisfies Filter<string>[]

/** HistoryScreen lists the changes of all tables. */
export function HistoryScreen() {
  const [values, setFilter] = useFilters(filters)
  const isAdmin = usePermission('admin')
  const visibleFilters = filters.map((filter) =>
    filter.name === 'table_name'
      ? { ...filter, options: historyTables.filter((table) => isAdmin || !table.admin) }
      : filter,
  )
  return (
    <Screen title="History">
      <FilterBar filters={visibleFilters} values={values} onChange={setFilter} />
      <ChangeResults key={JSON.stringify(values)} filters={values} />
    </Screen>
  )
}

function ChangeResults({ filters: activeFilters }: { filters: ChangeFilters }) {
  const query = useInfiniteQuery(changesQuery(activeFilters))
  return (
    <QueryBoundary query={query}>
      {({ pages }) => {
        const changes = pages.flatMap((page) => page.rows)
        if (changes.length === 0)
          return Object.keys(activeFilters).length > 0 ? (
            <EmptyState title="No changes match these filters">
              Text filters match the whole value and are case-sensitive.
            </EmptyState>
          ) : (
            <EmptyState icon="history" title="No changes yet" />
          )
        return (
          <Stack gap="sm">
            <Stack component="ol" aria-label="Changes, newest first" gap="sm" m={0} p={0} style={{ listStyle: 'none' }}>
              {changes.map((change) => (
                <ChangeItem key={change.id} change={change} />
              ))}
            </Stack>
            <Group justify="space-between">
              <Text size="sm" c="dimmed" role="status">
                {query.hasNextPage
                  ? `Newest ${changes.length} changes`
                  : changes.length === 1
                    ? '1 change'
                    : `${changes.length} changes`}
              </Text>
              {query.hasNextPage && (
                <Button variant="default" loading={query.isFetchingNextPage} onClick={() => void query.fetchNextPage()}>
                  Load more
                </Button>
              )}
            </Group>
          </Stack>
        )
      }}
    </QueryBoundary>
  )
}

/** fieldLabels are the labels of the fields by table, the same as in the forms. */
const fieldLabels: Record<string, Record<string, string>> = {
  site: siteLabels,
  freezer: freezerLabels,
  computer: computerLabels,
  container: { ...containerLabels, uuid: 'Barcode' },
  rule: ruleLabels,
  todo: todoLabels,
  account: userLabels,
}

const actionLabels: Record<Change['action'], string> = { insert: 'created', update: 'changed', delete: 'deleted' }

function ChangeItem({ change }: { change: Change }) {
  const paths = Object.keys(useRouter().routesByPath)
  const name = describeRow(change.table_name, change.row_key)
  const path = change.action === 'delete' ? undefined : rowPath(change.table_name, change.row_key, paths)
  const changedFields = diffChange(change)
  const tableLabels = fieldLabels[change.table_name]
  const labels = Object.fromEntries(changedFields.map(({ field }) => [field, tableLabels?.[field] ?? humanize(field)]))
  return (
    <li>
      <Text size="sm" style={{ overflowWrap: 'anywhere' }}>
        <b>{change.actor}</b> {actionLabels[change.action]}{' '}
        {path ? (
          <TextLink underline="always" to={path as '/'}>
            {name}
          </TextLink>
        ) : (
          name
        )}{' '}
        <TimeAgo at={change.at} />
        {change.request_id === null ? (
          ', directly in the database'
        ) : (
          <>
            , request ID{' '}
            <TextLink underline="always" to="/history" search={{ request_id: change.request_id }}>
              {change.request_id}
            </TextLink>
          </>
        )}
      </Text>
      {change.action === 'update' ? (
        <ChangeDiff change={change} labels={labels} />
      ) : (
        changedFields.length > 0 && (
          <details>
            <Text component="summary" size="sm" py={4}>
              {changedFields.length === 1 ? '1 field' : `${changedFields.length} fields`}
            </Text>
            <ChangeDiff change={change} labels={labels} />
          </details>
        )
      )}
    </li>
  )
}
