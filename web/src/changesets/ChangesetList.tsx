import { Button, Stack, Title } from '@mantine/core'
import { useInfiniteQuery, useQuery, useQueryClient } from '@tanstack/react-query'
import { useEffect, useMemo } from 'react'

import { EmptyState } from '../components/placeholders'
import { QueryBoundary } from '../components/QueryBoundary'
import { NoMatches } from '../grid/NoMatches'
import { type Changeset, type ChangesetParams, changesetsQuery, newestChangesetsQuery } from './api'
import { ChangesetFilters } from './ChangesetFilters'
import { ChangesetItem } from './ChangesetItem'
import classes from './Changesets.module.css'
import { formatDayHeading, groupByDay } from './groupByDay'
import { isConnected, mergeNewest } from './mergeNewest'
import { useChangesetSearch } from './useChangesetSearch'

const pollInterval = 15_000 // ms; no live message reports a change

/** ChangesetList lists what people did, by day and newest first, with filters that are in the URL. */
export function ChangesetList() {
  const { params, hasFilters, clear } = useChangesetSearch()
  const { query, changesets } = useChangesets(params)
  const byId = useMemo(() => new Map(changesets.map((changeset) => [changeset.id, changeset])), [changesets])
  const groups = groupByDay(changesets)
  return (
    <Stack gap="sm">
      <ChangesetFilters />
      <QueryBoundary query={query}>
        {() =>
          changesets.length === 0 ? (
            hasFilters ? (
              <NoMatches items="change sets" onClear={clear} />
            ) : (
              <EmptyState icon="history" title="No changes yet" />
            )
          ) : (
            <div aria-busy={query.isPlaceholderData}>
              {groups.map(({ day, rows }) => (
                <section key={day} className={classes.day} aria-labelledby={`day-${day}`}>
                  <Title order={2} id={`day-${day}`} className={classes.heading}>
                    {formatDayHeading(day)}
                  </Title>
                  <ol className={classes.list}>
                    {rows.map((changeset) => (
                      <ChangesetItem key={changeset.id} changeset={changeset} find={(id) => byId.get(id)} />
                    ))}
                  </ol>
                </section>
              ))}
              {query.hasNextPage && (
                <Button
                  variant="default"
                  loading={query.isFetchingNextPage}
                  onClick={() => void query.fetchNextPage()}
                >
                  Load more
                </Button>
              )}
            </div>
          )
        }
      </QueryBoundary>
    </Stack>
  )
}

/**
 * useChangesets returns the loaded change sets. Only the first page is read again and again: what is new appears at the
 * top, and the other rows stay.
 */
function useChangesets(params: ChangesetParams) {
  const queryClient = useQueryClient()
  const query = useInfiniteQuery({ ...changesetsQuery(params), placeholderData: (previous) => previous })
  const newest = useQuery({
    ...newestChangesetsQuery(params),
    enabled: query.data !== undefined && !query.isPlaceholderData,
    initialData: query.isPlaceholderData ? undefined : query.data?.pages[0],
    initialDataUpdatedAt: query.dataUpdatedAt,
    refetchInterval: pollInterval,
  })
  const newestRows = newest.data?.rows
  const isNewer = newest.dataUpdatedAt > query.dataUpdatedAt && !query.isPlaceholderData
  const changesets = useMemo<Changeset[]>(() => {
    const loaded = query.data?.pages.flatMap(({ rows }) => rows) ?? []
    return newestRows && isNewer && isConnected(newestRows, loaded) ? mergeNewest(newestRows, loaded) : loaded
  }, [query.data, newestRows, isNewer])
  const isTorn = newestRows !== undefined && isNewer && !isConnected(newestRows, changesets)
  useEffect(() => {
    if (isTorn) void queryClient.invalidateQueries({ queryKey: ['changesets', 'list'] })
  }, [isTorn, queryClient])
  return { query, changesets }
}
