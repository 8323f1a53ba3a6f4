import { Text } from '@mantine/core'
import { useSearch } from '@tanstack/react-router'

import { useAsOf } from '../asOf/asOf'
import { ButtonLink } from '../components/links'
import { EmptyState } from '../components/placeholders'
import { QueryBoundary } from '../components/QueryBoundary'
import { Screen } from '../components/Screen'
import { ViewSwitch } from '../components/ViewSwitch'
import { DataGrid } from '../grid/DataGrid'
import { useGrid } from '../grid/useGrid'
import { freezersList } from '../lists/instruments'
import { usePermission } from '../session/api'
import { useSummary } from '../summary/api'
import { StorageTree } from './StorageTree'
import { StorageWall } from './StorageWall'

const views = [
  { value: undefined, label: 'Wall' },
  { value: 'tree', label: 'Tree' },
  { value: 'list', label: 'List' },
]

/** StorageScreen shows the freezers as a wall of tiles, as a tree with shelves and racks, or as a list with columns. */
export function StorageScreen() {
  const { view } = useSearch({ strict: false })
  const canEdit = usePermission('operator')
  const asOf = useAsOf() // only the list shows the past
  const actions = (
    <>
      {asOf === undefined && <ViewSwitch views={views} />}
      {canEdit && (
        <ButtonLink to="/freezers/add" variant="default">
          Add many
        </ButtonLink>
      )}
      {canEdit && <ButtonLink to="/freezers/new">New freezer</ButtonLink>}
    </>
  )
  return (
    <Screen title="Storage" actions={actions}>
      {view === 'list' || asOf !== undefined ? <FreezerGrid /> : <Wall isTree={view === 'tree'} />}
    </Screen>
  )
}

function Wall({ isTree }: { isTree: boolean }) {
  const query = useSummary()
  return (
    <QueryBoundary query={query} rows={6}>
      {({ storage, freezers }) => (
        <>
          {isTree && storage.length > 0 ? <StorageTree freezers={storage} /> : <StorageWall freezers={storage} />}
          {freezers > storage.length && <Text size="sm">This view shows {storage.length} freezers. Use the list for all.</Text>}
        </>
      )}
    </QueryBoundary>
  )
}

function FreezerGrid() {
  const newButton = usePermission('operator') && <ButtonLink to="/freezers/new">New freezer</ButtonLink>
  return <DataGrid grid={useGrid(freezersList)} empty={<EmptyState icon="storage" title="No freezers yet" actions={newButton} />} />
}
