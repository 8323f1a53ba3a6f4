import { useNavigate, useSearch } from '@tanstack/react-router'

import { useAsOf } from '../asOf/asOf'
import { ButtonLink } from '../components/links'
import { EmptyState } from '../components/placeholders'
import { Screen } from '../components/Screen'
import { DataGrid } from '../grid/DataGrid'
import { useGrid } from '../grid/useGrid'
import { containersList } from '../lists/containers'
import { usePermission } from '../session/api'
import { useShortcut } from '../shell/shortcuts'
import { BulkContainerActions } from './BulkContainerActions'
import { ContainerLookup, LookupMatches } from './ContainerLookup'

/** ContainersScreen lists containers and finds them by barcode. */
export function ContainersScreen() {
  const grid = useGrid(containersList)
  const { freezer_id } = useSearch({ strict: false })
  const canEdit = usePermission('operator')
  const asOf = useAsOf()
  const navigate = useNavigate()
  const newContainer = { to: '/containers/new', search: { freezer_id } } as const
  useShortcut('n', 'New container', () => void navigate(newContainer), canEdit)
  const newButtons = canEdit && (
    <>
      <ButtonLink to="/containers/add" search={{ freezer_id }} variant="default">
        Add many
      </ButtonLink>
      <ButtonLink {...newContainer}>New container</ButtonLink>
    </>
  )
  return (
    <Screen
      title="Containers"
      actions={
        <>
          {asOf === undefined && <ContainerLookup />}
          {newButtons}
        </>
      }
    >
      <LookupMatches />
      <DataGrid
        grid={grid}
        bulkActions={(selection) => <BulkContainerActions selection={selection} onDone={() => grid.select([])} />}
        empty={<EmptyState icon="container" title="No containers yet" actions={newButtons} />}
      />
    </Screen>
  )
}
