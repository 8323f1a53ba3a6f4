import { useSearch } from '@tanstack/react-router'

import { EmptyState } from '../components/placeholders'
import { Screen } from '../components/Screen'
import { ViewSwitch } from '../components/ViewSwitch'
import { DataGrid } from '../grid/DataGrid'
import { useGrid } from '../grid/useGrid'
import { alertsList } from '../lists/alerts'
import { usePermission } from '../session/api'
import { AlertButtons } from './AlertButtons'
import { AlertInbox } from './AlertInbox'
import { AlertQuickFilters } from './AlertQuickFilters'
import { useAlertActions } from './useAlertActions'

const views = [
  { value: undefined, label: 'Inbox' },
  { value: 'list', label: 'List' },
]

/** AlertsScreen shows alerts as an inbox beside the chosen alert, or in a list with columns. */
export function AlertsScreen() {
  const { view } = useSearch({ strict: false })
  return (
    <Screen title="Alerts" actions={<ViewSwitch views={views} />}>
      {view === 'list' ? <AlertList /> : <AlertInbox />}
    </Screen>
  )
}

function AlertList() {
  const grid = useGrid(alertsList)
  const { runAction, dialogs } = useAlertActions()
  const canEdit = usePermission('operator')
  return (
    <>
      <DataGrid
        grid={grid}
        bulkActions={
          canEdit
            ? (selection) => (
                <AlertButtons
                  alerts={selection.rows}
                  onAction={(action) => runAction(action, selection, { confirm: selection.isAllMatching })}
                />
              )
            : undefined
        }
        quickFilters={<AlertQuickFilters actions={grid.actions} />}
        empty={
          <EmptyState icon="alert" title="No alerts yet">
            New alerts appear here automatically.
          </EmptyState>
        }
      />
      {dialogs}
    </>
  )
}
