import { Button } from '@mantine/core'

import { EmptyState } from '../components/placeholders'
import { Screen } from '../components/Screen'
import { DataGrid } from '../grid/DataGrid'
import { noFilter } from '../grid/gridState'
import type { RowActions } from '../grid/types'
import { useGrid } from '../grid/useGrid'
import { alertsList } from '../lists/alerts'
import { usePermission, useSession } from '../session/api'
import { useShortcut } from '../shell/shortcuts'
import { AlertButtons } from './AlertButtons'
import type { Alert } from './api'
import { type AlertAction, useAlertActions } from './useAlertActions'
import { useRowNavigation } from './useRowNavigation'

/** AlertsScreen is the alert inbox. Without filters it lists open alerts, newest first. */
export function AlertsScreen() {
  const grid = useGrid(alertsList)
  const { state, rows, selection, table, select, rootRef, actions } = grid
  const { runAction, isBusy, dialogs } = useAlertActions((skipped) => select(skipped.map(({ id }) => id)))
  const { moveFocus, getFocusedRow } = useRowNavigation(rootRef, rows)
  const canEdit = usePermission('operator')
  const username = useSession()?.username

  const actionTargets = () => (selection.rows.length > 0 ? selection.rows : [getFocusedRow()].filter((row) => row !== undefined))
  const runOnTargets = (action: AlertAction) => () =>
    runAction(action, actionTargets(), { confirm: true, ...(selection.isAllMatching && { selection }) })
  const selectFocused = () => {
    const row = getFocusedRow()
    if (row) table.getRow(row.id).toggleSelected()
  }
  useShortcut('j', 'Next alert', () => moveFocus(1))
  useShortcut('k', 'Previous alert', () => moveFocus(-1))
  useShortcut('y', 'Acknowledge', runOnTargets('acknowledge'), canEdit)
  useShortcut('q', 'Close', runOnTargets('close'), canEdit)
  useShortcut('i', 'Assign', runOnTargets('assign'), canEdit)
  useShortcut('x', 'Select', selectFocused, canEdit)

  const rowActions: RowActions<Alert> = {
    header: 'Actions',
    width: 16,
    render: (alert) => <AlertButtons alerts={[alert]} onAction={runAction} isBusy={isBusy(alert)} isCompact />,
  }
  return (
    <Screen title="Alerts">
      <DataGrid
        grid={grid}
        rowActions={canEdit ? rowActions : undefined}
        bulkActions={
          canEdit
            ? (selected) => (
                <AlertButtons
                  alerts={selected.rows}
                  onAction={(action, alerts) =>
                    runAction(action, alerts, selected.isAllMatching ? { confirm: true, selection: selected } : {})
                  }
                />
              )
            : undefined
        }
        quickFilters={
          <>
            {username && (
              <Button variant="subtle" onClick={() => actions.setFilters({ state: noFilter, assignee: username })}>
                Assigned to me
              </Button>
            )}
            <Button
              variant="subtle"
              onClick={() => actions.setFilters({ assignee: undefined, assignee__empty: 'true' })}
            >
              Unassigned
            </Button>
          </>
        }
        empty={
          <EmptyState icon="alert" title={state.filters.length > 0 ? 'No open alerts' : 'No alerts yet'}>
            New alerts appear here automatically.
          </EmptyState>
        }
      />
      {dialogs}
    </Screen>
  )
}
