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
  /** Query key: that of the row, and 'history'. */
  queryKey: readonly unknown[]
  fetchHistory: FetchHistory
  labels?: Record<string, string>
  formatField?: FormatField
}

/** ChangeList shows the history of one row, the newest change first: who, when, what it was and what it became. */
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
                    <b>{change.actor}</b> {actionLabels[change.action]} <TimeAgo at={change.at} />
                    {change.request_id === null && ', without the API'}
                  </Text>
                  {change.action === 'update' && <ChangeDiff change={change} labels={labels} formatField={formatField} />}
                </li>
              ))}
            </Stack>
            {query.hasNextPage && (
              <Group>
                <Button variant="default" loading={query.isFetchingNextPage} onClick={() => void query.fetchNextPage()}>
                  Older changes
                </Button>
              </Group>
            )}
          </Stack>
        )
      }}
    </QueryBoundary>
  )
}

const actionLabels: Record<Change['action'], string> = { insert: 'created it', update: 'changed it', delete: 'deleted it' }

/** ChangeDiff lists the fields that a change touched: before → after. */
export function ChangeDiff({ change, labels = {}, formatField = formatPlainField }: { change: Change; labels?: Record<string, string>; formatField?: FormatField }) {
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
