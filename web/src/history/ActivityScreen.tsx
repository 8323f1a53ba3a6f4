import { EmptyState } from '../components/placeholders'
import { Screen } from '../components/Screen'
import { DataGrid } from '../grid/DataGrid'
import { useGrid } from '../grid/useGrid'
import { adminChangesList, changesList } from '../lists/changes'
import { usePermission } from '../session/api'

const pollInterval = 15_000 // ms; no live message reports a change

/** ActivityScreen lists the changes of all tables. */
export function ActivityScreen() {
  const grid = useGrid(usePermission('admin') ? adminChangesList : changesList, { refetchInterval: pollInterval })
  return (
    <Screen title="Activity">
      <DataGrid grid={grid} empty={<EmptyState icon="history" title="No changes yet" />} />
    </Screen>
  )
}
