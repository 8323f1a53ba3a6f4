import { Navigate, useNavigate, useSearch } from '@tanstack/react-router'

import { ChangesetList } from '../changesets/ChangesetList'
import { EmptyState } from '../components/placeholders'
import { Screen } from '../components/Screen'
import { SegmentedButtons } from '../components/SegmentedButtons'
import { TitleLine } from '../components/TitleLine'
import { DataGrid } from '../grid/DataGrid'
import { useGrid } from '../grid/useGrid'
import { adminChangesList, changesList } from '../lists/changes'
import { usePermission } from '../session/api'
import { isChangeSearch } from './changeSearch'

const pollInterval = 15_000 // ms; no live message reports a change

/** ActivityScreen lists what people did, as change sets or as the single changes of all tables. */
export function ActivityScreen() {
  const search = useSearch({ strict: false }) as Record<string, string | undefined>
  const { request_id, view } = search
  if (request_id && view === undefined) return <Navigate to="/activity/$id" params={{ id: request_id }} replace />
  const isChanges = view === 'changes' || isChangeSearch(search)
  return (
    <Screen title="Activity">
      <TitleLine>
        <Views isChanges={isChanges} actor={search.actor} />
      </TitleLine>
      {isChanges ? <Changes /> : <ChangesetList />}
    </Screen>
  )
}

const views = [
  { value: undefined, label: 'Change sets' },
  { value: 'changes', label: 'Single changes' },
] as const

/** Views switches between the two lists. They have different filters, except for the person. */
function Views({ isChanges, actor }: { isChanges: boolean; actor: string | undefined }) {
  const navigate = useNavigate()
  return (
    <SegmentedButtons
      label="View"
      options={views}
      value={isChanges ? 'changes' : undefined}
      onChange={(view) => void navigate({ to: '/activity', search: { view, actor } })}
    />
  )
}

function Changes() {
  const grid = useGrid(usePermission('admin') ? adminChangesList : changesList, { refetchInterval: pollInterval })
  return <DataGrid grid={grid} empty={<EmptyState icon="history" title="No changes yet" />} />
}
