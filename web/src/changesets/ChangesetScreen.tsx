import { Text } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import { useParams } from '@tanstack/react-router'

import { TextLink } from '../components/links'
import { Panel } from '../components/Panel'
import { EmptyState } from '../components/placeholders'
import { QueryBoundary } from '../components/QueryBoundary'
import { Screen } from '../components/Screen'
import { AbsoluteTime, TimeAgo } from '../components/TimeAgo'
import { DataGrid } from '../grid/DataGrid'
import { useGrid } from '../grid/useGrid'
import { changesetChangesList } from '../lists/changes'
import { usePersonName } from '../people/PersonName'
import { type Changeset, changesetQuery } from './api'
import { UndoButton, UndoState } from './ChangesetActions'

/** ChangesetScreen shows a change set with its single changes. The URL has its ID, or that of its request. */
export function ChangesetScreen() {
  const { id } = useParams({ from: '/activity/$id' })
  const query = useQuery(changesetQuery(id))
  return (
    <Screen
      title={query.data ? `Change set ${query.data.id}` : 'Change set'}
      breadcrumb={<TextLink to="/activity">Activity</TextLink>}
      actions={query.data && <UndoButton changeset={query.data} />}
    >
      <QueryBoundary query={query}>{(changeset) => <Details changeset={changeset} />}</QueryBoundary>
    </Screen>
  )
}

function Details({ changeset }: { changeset: Changeset }) {
  const { id, actor, summary, at, message, request_id } = changeset
  const name = usePersonName()(actor)
  const grid = useGrid(changesetChangesList, { scope: { changeset_id: String(id) }, prefix: 'changes.' })
  return (
    <>
      <Panel title="Summary" id="summary">
        <Text>
          <b>{name}</b> {summary}
        </Text>
        {message !== null && <Text fs="italic">“{message}”</Text>}
        <Text size="sm" c="dimmed">
          <AbsoluteTime at={at} /> (<TimeAgo at={at} />){request_id === null && ', directly in the database'}
        </Text>
        <UndoState changeset={changeset} />
      </Panel>
      <DataGrid grid={grid} empty={<EmptyState icon="history" title="No changes" />} />
    </>
  )
}
