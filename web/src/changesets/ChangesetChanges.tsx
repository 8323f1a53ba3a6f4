import { Button } from '@mantine/core'
import { useInfiniteQuery } from '@tanstack/react-query'

import type { Change } from '../changes/api'
import { ChangedFields, ChangedItem } from '../changes/ChangedItem'
import { QueryBoundary } from '../components/QueryBoundary'
import { changesetChangesQuery } from './api'
import classes from './Changesets.module.css'

const verbs: Record<Change['action'], string> = { insert: 'Created', update: 'Changed', delete: 'Deleted' }

/** ChangesetChanges lists the single changes of a change set with the values before and after, page by page. */
export function ChangesetChanges({ id, total }: { id: number; total: number }) {
  const query = useInfiniteQuery(changesetChangesQuery(id))
  return (
    <QueryBoundary query={query} rows={Math.min(total, 3)}>
      {({ pages }) => {
        const changes = pages.flatMap(({ rows }) => rows)
        return (
          <>
            <ol className={classes.changes} aria-label="Changes">
              {changes.map((change) => (
                <li key={change.id}>
                  {verbs[change.action]} <ChangedItem change={change} />
                  <ChangedFields change={change} />
                </li>
              ))}
            </ol>
            {query.hasNextPage && (
              <Button
                variant="default"
                size="compact-sm"
                mb="xs"
                loading={query.isFetchingNextPage}
                onClick={() => void query.fetchNextPage()}
              >
                Load more changes ({(total - changes.length).toLocaleString('en')} left)
              </Button>
            )}
          </>
        )
      }}
    </QueryBoundary>
  )
}
