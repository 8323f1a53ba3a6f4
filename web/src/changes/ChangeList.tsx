import { Button } from '@mantine/core'
import { useInfiniteQuery } from '@tanstack/react-query'
import type { ReactNode } from 'react'

import { pagedQuery } from '../api/queries'
import { type FormatField, formatPlainField } from '../components/formatValue'
import { TextLink } from '../components/links'
import { EmptyState } from '../components/placeholders'
import { QueryBoundary } from '../components/QueryBoundary'
import { AbsoluteTime, TimeAgo } from '../components/TimeAgo'
import { tableNoun } from '../history/tables'
import { PersonAvatar, usePersonName } from '../people/PersonName'
import type { FetchHistory, RowChange } from './api'
import { ChangeDiff, FieldChange } from './ChangeDiff'
import classes from './ChangeList.module.css'
import { diffChange } from './diffChange'

export interface ChangeListProps {
  /** Query key of the row, followed by 'history'. */
  queryKey: readonly unknown[]
  fetchHistory: FetchHistory
  labels?: Record<string, string>
  formatField?: FormatField
  /** Buttons of a change. */
  renderActions?: (change: RowChange) => ReactNode
}

/** ChangeList shows the history of one row in sentences, newest change first: who changed what, and when. */
export function ChangeList({ queryKey, fetchHistory, labels = {}, formatField = formatPlainField, renderActions }: ChangeListProps) {
  const query = useInfiniteQuery(pagedQuery(queryKey, fetchHistory))
  return (
    <QueryBoundary query={query}>
      {({ pages }) => {
        const changes = pages.flatMap((page) => page.rows)
        if (changes.length === 0) return <EmptyState icon="history" title="No history" />
        return (
          <>
            <ol className={classes.list}>
              {changes.map((change) => (
                <ChangeItem key={change.id} change={change} labels={labels} formatField={formatField}>
                  {renderActions?.(change)}
                </ChangeItem>
              ))}
            </ol>
            {query.hasNextPage && (
              <Button
                variant="default"
                mt="xs"
                loading={query.isFetchingNextPage}
                onClick={() => void query.fetchNextPage()}
              >
                Load more
              </Button>
            )}
          </>
        )
      }}
    </QueryBoundary>
  )
}

interface ItemProps {
  change: RowChange
  labels: Record<string, string>
  formatField: FormatField
  /** Buttons. */
  children: ReactNode
}

function ChangeItem({ change, labels, formatField, children }: ItemProps) {
  const name = usePersonName()(change.actor)
  const noun = tableNoun(change.table_name)
  const diffs = change.action === 'update' ? diffChange(change) : []
  const [diff] = diffs
  return (
    <li className={classes.change}>
      <span className={classes.avatar}>
        <PersonAvatar name={name} />
      </span>
      <div className={classes.sentence}>
        <b>{name}</b> {verbs[change.action]}{' '}
        {!diff ? (
          `this ${noun}`
        ) : diffs.length === 1 ? (
          <FieldChange diff={diff} labels={labels} formatField={formatField} />
        ) : (
          <>
            {diffs.length} fields
            <ChangeDiff change={change} labels={labels} formatField={formatField} />
          </>
        )}
      </div>
      <div className={classes.time}>
        {change.changeset_id === undefined ? (
          <AbsoluteTime at={change.at} />
        ) : (
          <TextLink to="/activity/$id" params={{ id: String(change.changeset_id) }} inherit>
            <AbsoluteTime at={change.at} />
          </TextLink>
        )}{' '}
        (<TimeAgo at={change.at} />)
        {change.request_id === null && ', directly in the database'}
        {change.message !== null && <i> “{change.message}”</i>}
      </div>
      <div className={classes.actions}>{children}</div>
    </li>
  )
}

const verbs: Record<RowChange['action'], string> = { insert: 'created', update: 'changed', delete: 'deleted' }
