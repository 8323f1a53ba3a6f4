import { Alert, Stack, Text } from '@mantine/core'
import { queryOptions, useQuery } from '@tanstack/react-query'

import { api, unwrapPage } from '../api/client'
import type { Problem } from '../api/problem'
import { useAsOf } from '../asOf/asOf'
import { NothingThere } from '../asOf/NothingThere'
import { changesetQuery } from '../changesets/api'
import { UndoButton, UndoState } from '../changesets/ChangesetActions'
import { useCanUndo } from '../changesets/useCanUndo'
import { ErrorState, Loading } from '../components/placeholders'
import { Section } from '../components/Section'
import { AbsoluteTime, TimeAgo } from '../components/TimeAgo'
import { tableNoun } from '../history/tables'
import { usePersonName } from '../people/PersonName'
import { type Change, createHistoryReader } from './api'
import { describeChangedItem } from './ChangedItem'
import { ChangeList } from './ChangeList'

interface Props {
  table: string
  rowKey: string
  /** The problem of the request for the row: it does not exist. */
  problem: Problem
}

/** lastChangeQuery returns the newest change of a row, or null if the row has no history. */
const lastChangeQuery = (table: string, rowKey: string) =>
  queryOptions({
    queryKey: ['changesets', 'last change', table, rowKey],
    queryFn: async ({ signal }): Promise<Change | null> => {
      const query = { table_name: [table], row_key: [rowKey], sort: '-id', limit: 1 }
      const { rows } = await unwrapPage<Change>(api.GET('/api/v1/changes', { params: { query }, signal }))
      return rows[0] ?? null
    },
  })

/** DeletedRow says who deleted a row, and offers to restore it. It replaces the screen of a row that does not exist. */
export function DeletedRow({ table, rowKey, problem }: Props) {
  const { data: change, isPending } = useQuery(lastChangeQuery(table, rowKey))
  if (useAsOf() !== undefined) return <NothingThere />
  if (isPending) return <Loading rows={3} />
  if (change?.action !== 'delete') return <ErrorState problem={problem} />
  return <Deletion change={change} />
}

function Deletion({ change }: { change: Change }) {
  const { table_name, row_key, actor, at, changeset_id } = change
  const name = usePersonName()(actor)
  const canUndo = useCanUndo()(change)
  const { data: changeset } = useQuery(changesetQuery(String(changeset_id)))
  const history = createHistoryReader(table_name, row_key, (signal) =>
    unwrapPage<Change>(
      api.GET('/api/v1/changes', {
        params: { query: { table_name: [table_name], row_key: [row_key], sort: 'id' } },
        signal,
      }),
    ),
  )
  return (
    <Stack>
      <Alert variant="outline" title={`The ${describeChangedItem(change)} was deleted`}>
        <Text size="sm" mb="xs">
          Deleted by {name}, <AbsoluteTime at={at} /> (<TimeAgo at={at} />).{' '}
          {!canUndo && `Ask ${name} or an admin to restore the ${tableNoun(table_name)}.`}
        </Text>
        {changeset && (
          <>
            <UndoButton changeset={changeset} label="Restore" />
            <UndoState changeset={changeset} />
          </>
        )}
      </Alert>
      <Section title="History" id="history">
        <ChangeList queryKey={['changesets', 'history of', table_name, row_key]} fetchHistory={history} />
      </Section>
    </Stack>
  )
}
