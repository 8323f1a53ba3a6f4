import { Button, Group, Stack, Text } from '@mantine/core'
import { useInfiniteQuery } from '@tanstack/react-query'

import { pagedQuery } from '../api/queries'
import { type FormatField, formatPlainField } from '../components/formatValue'
import { EmptyState } from '../components/placeholders'
import { QueryBoundary } from '../components/QueryBoundary'
import { TimeAgo } from '../components/TimeAgo'
import type { Change, FetchHistory } from './api'
import { diffChange } from './diffChange'

interface Props {
  /** Query key of the row, followed by 'history'. */
  queryKey: readonly unknown[]
  fetchHistory: FetchHistory
  labels?: Record<string, string>
  formatField?: FormatField
}

/** ChangeList shows the history of one row, newest change first: actor, time, old and new values. */
export function ChangeList({ queryKey, fetchHistory, labels = {}, formatField = formatPlainField }: Props) {
  const query = useInfiniteQuery(pagedQuery(queryKey, fetchHistory))
  return (
    <QueryBoundary query={query}>
      {({ pages }) => {
        const changes = pages.flatMap((page) => page.rows)
        if (changes.length === 0) return <EmptyState icon="history" title="No history" />
        return (
          <Stack gap="sm">
            <Stack component="ol" gap="sm" m={0} p={0} style={{ listStyle: 'none' }}>
              {changes.map((change) => (
                <li key={change.id}>
                  <Text size="sm">
                    {actionLabels[change.action]} by <b>{change.actor}</b> <TimeAgo at={change.at} />
                    {change.request_id === null && ', directly in the database'}
                  </Text>
                  {change.action === 'update' && (
                    <ChangeDiff change={change} labels={labels} formatField={formatField} />
                  )}
                </li>
              ))}
            </Stack>
            {query.hasNextPage && (
              <Group>
                <Button variant="default" loading={query.isFetchingNextPage} onClick={() => void query.fetchNextPage()}>
                  Load more
                </Button>
              </Group>
            )}
          </Stack>
        )
      }}
    </QueryBoundary>
  )
}

const actionLabels: Record<Change['action'], string> = { insert: 'Created', update: 'Changed', delete: 'Deleted' }

/** ChangeDiff lists the fields of a change with their values before and after. */
export function ChangeDiff({
  change,
  labels = {},
  formatField = formatPlainField,
}: {
  change: Change
  labels?: Record<string, string>
  formatField?: FormatField
}) {
  return (
    <Stack component="ul" gap={0} m={0} pl="md">
      {diffChange(change).map(({ field, before, after }) => (
        <Text component="li" key={field} size="sm" style={{ overflowWrap: 'anywhere' }}>
          {labels[field] ?? field}: <del>{formatField(field, before)}</del> → <ins>{formatField(field, after)}</ins>
        </Text>
      ))}
    </Stack>
  )
}
