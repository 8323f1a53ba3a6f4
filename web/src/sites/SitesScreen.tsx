import { useNavigate } from '@tanstack/react-router'

import { ButtonLink } from '../components/links'
import { EmptyState } from '../components/placeholders'
import { Screen } from '../components/Screen'
import { DataGrid } from '../grid/DataGrid'
import { useGrid } from '../grid/useGrid'
import { sitesList } from '../lists/sites'
import { usePermission } from '../session/api'
import { useShortcut } from '../shell/shortcuts'

/** SitesScreen lists the sites. */
export function SitesScreen() {
  const grid = useGrid(sitesList)
  const canEdit = usePermission('operator')
  const navigate = useNavigate()
  useShortcut('n', 'New site', () => void navigate({ to: '/sites/new' }), canEdit)
  const newButton = canEdit && <ButtonLink to="/sites/new">New site</ButtonLink>
  return (
    <Screen title="Sites" actions={newButton}>
      <DataGrid grid={grid} empty={<EmptyState icon="site" title="No sites yet" actions={newButton} />} />
    </Screen>
  )
}
