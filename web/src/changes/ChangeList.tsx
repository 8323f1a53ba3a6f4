import { Button, Group, Stack, Text } from '@mantine/core'
import { useInfiniteQuery } from '@tanstack/react-query'

import { paged } from '../api/queries'
import { asShown, type Tell } from '../components/formatValue'
import { Empty } from '../components/placeholders'
import { Shown } from '../components/QueryBoundary'
import { TimeAgo } from '../components/TimeAgo'
import type { Change, ReadHistory } from './api'
import { differences } from './diffChange'

interface Props {
  /** Query key: that of the row, and 'history'. */
  queryKey: readonly unknown[]
  read: ReadHistory
  labels?: Record<string, string>
  tell?: Tell
}

/** ChangeList shows the history of one row, the newest change first: who, when, what it was and what it became. */
export function ChangeList({ queryKey, read, labels = {}, tell = asShown }: Props) {
  const query = useInfiniteQuery(paged(queryKey, read))
  return (
    <Shown query={query}>
      {({ pages }) => {
        const changes = pages.flatMap((page) => page.rows)
        if (changes.length === 0) return <Empty icon="history" title="No history" />
        return (
          <Stack gap="sm">
            <Stack component="ol" gap="sm" m={0} p={0} style={{ listStyle: 'none' }}>
              {changes.map((change) => (
                <li key={change.id}>
                  <Text size="sm">
                    <b>{change.actor}</b> {told[change.action]} <TimeAgo at={change.at} />
                    {change.request_id === null && ', without the API'}
                  </Text>
                  {change.action === 'update' && <Difference change={change} labels={labels} tell={tell} />}
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
    </Shown>
  )
}

const told: Record<Change['action'], string> = { insert: 'created it', update: 'changed it', delete: 'deleted it' }

/** Difference lists the fields that a change touched: before → after. */
export function Difference({ change, labels = {}, tell = asShown }: { change: Change; labels?: Record<string, string>; tell?: Tell }) {
  return (
    <Stack component="ul" gap={0} m={0} pl="md">
      {differences(change).map(({ field, before, after }) => (
        <Text component="li" key={field} size="sm" style={{ overflowWrap: 'anywhere' }}>
          {labels[field] ?? field}: <del>{tell(field, before)}</del> → <ins>{tell(field, after)}</ins>
        </Text>
      ))}
    </Stack>
  )
}
