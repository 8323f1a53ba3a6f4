import { Button, Group, Stack, Text } from '@mantine/core'
import { useInfiniteQuery } from '@tanstack/react-query'
import { useRouter } from '@tanstack/react-router'

import type { Change, ChangeFilters } from '../changes/api'
import { Difference } from '../changes/ChangeList'
import { differences } from '../changes/diffChange'
import { type Filter, FilterBar, useFilters } from '../components/filters'
import { TextLink } from '../components/links'
import { Screen } from '../components/Screen'
import { Empty } from '../components/placeholders'
import { Shown } from '../components/QueryBoundary'
import { TimeAgo } from '../components/TimeAgo'
import { useMay } from '../session/api'
import { changesQuery } from './api'
import { rowName, rowPath, tables, words } from './tables'

const filters = [
  { name: 'table_name', label: 'What', options: tables },
  { name: 'row_key', label: 'Number or key' },
  { name: 'actor', label: 'Who' },
  { name: 'action', label: 'Did', options: ['insert', 'update', 'delete'].map((value) => ({ value, label: words(value) })) },
  { name: 'request_id', label: 'Request' },
] as const satisfies Filter<string>[]

/** HistoryScreen tells who changed what, in all tables. */
export function HistoryScreen() {
  const [values, set] = useFilters(filters)
  const admin = useMay('admin')
  const shownFilters = filters.map((filter) => (filter.name === 'table_name' ? { ...filter, options: tables.filter((table) => admin || !table.admin) } : filter))
  return (
    <Screen title="History">
      <FilterBar filters={shownFilters} values={values} set={set} />
      <Changes key={JSON.stringify(values)} filters={values} />
    </Screen>
  )
}

function Changes({ filters: wanted }: { filters: ChangeFilters }) {
  const query = useInfiniteQuery(changesQuery(wanted))
  return (
    <Shown query={query}>
      {({ pages }) => {
        const changes = pages.flatMap((page) => page.rows)
        if (changes.length === 0)
          return Object.keys(wanted).length > 0 ? (
            <Empty title="No change matches">A filter wants the whole text, with upper and lower case as it is stored.</Empty>
          ) : (
            <Empty icon="history" title="Nothing was changed yet" />
          )
        return (
          <Stack gap="sm">
            <Stack component="ol" aria-label="Changes, the newest first" gap="sm" m={0} p={0} style={{ listStyle: 'none' }}>
              {changes.map((change) => (
                <Line key={change.id} change={change} />
              ))}
            </Stack>
            <Group justify="space-between">
              <Text size="sm" c="dimmed" role="status">
                {query.hasNextPage ? `The newest ${changes.length} changes` : changes.length === 1 ? 'One change' : `${changes.length} changes`}
              </Text>
              {query.hasNextPage && (
                <Button variant="default" loading={query.isFetchingNextPage} onClick={() => void query.fetchNextPage()}>
                  Show more
                </Button>
              )}
            </Group>
          </Stack>
        )
      }}
    </Shown>
  )
}

const told: Record<Change['action'], string> = { insert: 'created', update: 'changed', delete: 'deleted' }

function Line({ change }: { change: Change }) {
  const paths = Object.keys(useRouter().routesByPath)
  const name = rowName(change.table_name, change.row_key)
  const path = change.action === 'delete' ? undefined : rowPath(change.table_name, change.row_key, paths)
  const touched = differences(change)
  const labels = Object.fromEntries(touched.map(({ field }) => [field, words(field)]))
  return (
    <li>
      <Text size="sm" style={{ overflowWrap: 'anywhere' }}>
        <b>{change.actor}</b> {told[change.action]} {path ? <TextLink underline="always" to={path as '/'}>{name}</TextLink> : name} <TimeAgo at={change.at} />
        {change.request_id === null ? (
          ', without the API'
        ) : (
          <>
            , request{' '}
            <TextLink underline="always" to="/history" search={{ request_id: change.request_id }}>
              {change.request_id}
            </TextLink>
          </>
        )}
      </Text>
      {change.action === 'update' ? (
        <Difference change={change} labels={labels} />
      ) : (
        touched.length > 0 && (
          <details>
            <Text component="summary" size="sm" py={4}>
              {touched.length === 1 ? 'One field' : `${touched.length} fields`}
            </Text>
            <Difference change={change} labels={labels} />
          </details>
        )
      )}
    </li>
  )
}
