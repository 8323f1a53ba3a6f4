import { Button, Checkbox, NativeSelect, Text } from '@mantine/core'
import { useMediaQuery } from '@mantine/hooks'
import { useQuery } from '@tanstack/react-query'
import { useNavigate, useSearch } from '@tanstack/react-router'
import { useEffect, useEffectEvent, useRef } from 'react'

import { formatTotal } from '../components/formatTotal'
import { EmptyState } from '../components/placeholders'
import { QueryBoundary } from '../components/QueryBoundary'
import { exportParams, isDefaultView } from '../grid/gridState'
import { GridToolbar } from '../grid/GridToolbar'
import { listUrl } from '../grid/listQuery'
import { NoMatches } from '../grid/NoMatches'
import { PageControls } from '../grid/PageControls'
import { maxMatches, type Selection } from '../grid/selection'
import { type Grid, useGrid } from '../grid/useGrid'
import { alertsList } from '../lists/alerts'
import { rulesQuery } from '../rules/api'
import { usePermission } from '../session/api'
import { useShortcut } from '../shell/shortcuts'
import { AlertButtons } from './AlertButtons'
import { AlertGroupHeader } from './AlertGroupHeader'
import classes from './AlertInbox.module.css'
import { AlertItem } from './AlertItem'
import { AlertQuickFilters } from './AlertQuickFilters'
import { AlertView } from './AlertView'
import { type Alert, alertQuery } from './api'
import { type AlertGroup, groupAlerts, type Grouping, groupings } from './groupAlerts'
import { type AlertAction, useAlertActions } from './useAlertActions'
import { useRangeSelection } from './useRangeSelection'

/** AlertInbox lists alerts beside the chosen one. Keys move, and every action can be undone. */
export function AlertInbox() {
  const grid = useGrid(alertsList)
  const { state, actions, query, rows, selection, scope } = grid
  const { id, group } = useSearch({ strict: false })
  const navigate = useNavigate()
  const canEdit = usePermission('operator')
  const { runAction, isBusy, dialogs } = useAlertActions()
  const isWide = useMediaQuery('(min-width: 62em)', true, { getInitialValueInEffect: false })
  const grouping = groupings.find(({ value }) => value === group)?.value ?? 'none'
  const ruleCodes = useQuery(rulesQuery).data?.rows.map(({ code }) => code)
  const groups = groupAlerts(rows, grouping, ruleCodes)
  const order = groups.flatMap(({ alerts }) => alerts)
  const toggleSelected = useRangeSelection(grid, order)
  const chosenId = useChosenId(order, id, isWide)
  const listed = order.find((alert) => alert.id === chosenId)
  const { data: unlisted } = useQuery({ ...alertQuery(chosenId ?? ''), enabled: chosenId !== undefined && !listed })
  const chosen = listed ?? unlisted
  const listRef = useRef<HTMLDivElement>(null)
  const show = (alertId: string | undefined) =>
    void navigate({ to: '.', search: (current) => ({ ...current, id: alertId }), replace: id !== undefined && isWide })
  const move = (offset: 1 | -1) => {
    const index = order.findIndex((alert) => alert.id === chosenId)
    const next = order[index + offset] ?? (index < 0 ? order[0] : undefined)
    if (!next) return
    show(next.id)
    listRef.current?.querySelector<HTMLElement>(`[data-row="${next.id}"] a`)?.focus()
  }
  const runOnTarget = (action: AlertAction) => () => {
    const target = selection.count > 0 ? selection : chosen
    if (target) runAction(action, target, { confirm: true })
  }
  useShortcut('j', 'Next alert', () => move(1))
  useShortcut('k', 'Previous alert', () => move(-1))
  useShortcut('x', 'Select', () => listed && grid.table.getRow(listed.id).toggleSelected(), canEdit)
  useShortcut('i', 'Assign', runOnTarget('assign'), canEdit)
  useShortcut('y', 'Acknowledge', runOnTarget('acknowledge'), canEdit)
  useShortcut('v', 'Close as false positive', runOnTarget('falsePositive'), canEdit)
  useShortcut('q', 'Close', runOnTarget('close'), canEdit)
  useShortcut('z', 'Snooze', runOnTarget('snooze'), canEdit)
  if (!isWide && id)
    return (
      <>
        <Button variant="default" mr="auto" onClick={() => show(undefined)}>
          Back to the inbox
        </Button>
        <AlertView id={id} runAction={runAction} isBusy={isBusy} />
        {dialogs}
      </>
    )
  return (
    <>
      <GridToolbar
        definition={alertsList}
        state={state}
        actions={actions}
        exportUrl={listUrl('alerts', exportParams(alertsList, state, scope))}
        quickFilters={<AlertQuickFilters actions={actions} />}
        isTable={false}
      />
      <QueryBoundary query={query}>
        {() =>
          rows.length === 0 && state.page === 1 ? (
            isDefaultView(alertsList, state) ? (
              <EmptyState icon="check" title="No open alerts">
                New alerts appear here automatically.
              </EmptyState>
            ) : (
              <NoMatches icon="alert" items="alerts" onClear={actions.clearFilters} />
            )
          ) : (
            <div className={classes.split}>
              <div className={classes.list} ref={listRef} aria-busy={query.isPlaceholderData}>
                <InboxHead
                  grid={grid}
                  grouping={grouping}
                  onGroup={(value) =>
                    void navigate({
                      to: '.',
                      search: (current) => ({ ...current, group: value === 'none' ? undefined : value }),
                      replace: true,
                    })
                  }
                  runAction={runAction}
                />
                {groups.map((alertGroup: AlertGroup) => (
                  <div key={alertGroup.key}>
                    {grouping !== 'none' && (
                      <AlertGroupHeader group={alertGroup} grid={grid} runAction={runAction} canEdit={canEdit} />
                    )}
                    <ul className={classes.items} aria-label={alertGroup.label ?? 'Alerts'}>
                      {alertGroup.alerts.map((alert) => (
                        <AlertItem
                          key={alert.id}
                          alert={alert}
                          isChosen={alert.id === chosenId}
                          isSelected={canEdit ? grid.table.state.rowSelection[alert.id] === true : undefined}
                          toggleSelected={(event) => toggleSelected(alert.id, event)}
                        />
                      ))}
                    </ul>
                  </div>
                ))}
                <PageControls grid={grid} />
              </div>
              {chosenId && isWide && (
                <section className={classes.detail} aria-label="Chosen alert">
                  <AlertView key={chosenId} id={chosenId} runAction={runAction} isBusy={isBusy} />
                </section>
              )}
            </div>
          )
        }
      </QueryBoundary>
      {dialogs}
    </>
  )
}

/**
 * useChosenId returns the alert of the URL, or the first one. When the chosen alert leaves the list, for example because
 * it was closed, the next one is chosen.
 */
function useChosenId(order: Alert[], id: string | undefined, isWide: boolean): string | undefined {
  const previous = useRef<Alert[]>([])
  const navigate = useNavigate()
  const replaceChosen = useEffectEvent((current: Alert[]) => {
    const before = previous.current
    previous.current = current
    const index = before.findIndex((alert) => alert.id === id)
    if (index < 0 || current.some((alert) => alert.id === id)) return
    const remaining = new Set(current.map((alert) => alert.id))
    const next = [...before.slice(index + 1), ...before.slice(0, index).reverse()].find((alert) =>
      remaining.has(alert.id),
    )
    void navigate({ to: '.', search: (search) => ({ ...search, id: isWide ? next?.id : undefined }), replace: true })
  })
  useEffect(() => replaceChosen(order), [order])
  return id ?? (isWide ? order[0]?.id : undefined)
}

interface HeadProps {
  grid: Grid<Alert>
  grouping: Grouping
  onGroup: (grouping: string) => void
  runAction: (action: AlertAction, target: Selection<Alert>, options?: { confirm?: boolean }) => void
}

/** InboxHead selects alerts, acts on the selected ones, and groups them. It stays in sight. */
function InboxHead({ grid, grouping, onGroup, runAction }: HeadProps) {
  const canEdit = usePermission('operator')
  const { selection, total, rows } = grid
  const isPageSelected = rows.length > 0 && selection.rows.length === rows.length
  const hasMore = total !== undefined && !total.isEstimate && total.count > rows.length && total.count <= maxMatches
  return (
    <div className={classes.head}>
      <div className={classes.headRow}>
        {canEdit ? (
          <Checkbox
            size="xs"
            label={
              selection.count > 0 ? `${selection.count.toLocaleString('en')} selected` : total && `All ${formatTotal(total)}`
            }
            aria-label="Select all alerts of this page"
            checked={isPageSelected}
            indeterminate={selection.count > 0 && !isPageSelected}
            onChange={grid.table.getToggleAllRowsSelectedHandler()}
          />
        ) : (
          <Text size="sm">{total && `${formatTotal(total)} alerts`}</Text>
        )}
        {isPageSelected && hasMore && !selection.isAllMatching && (
          <Button variant="subtle" size="compact-sm" onClick={grid.selectAllMatching}>
            Select all {formatTotal(total)} matching
          </Button>
        )}
        <NativeSelect
          aria-label="Group by"
          size="xs"
          ml="auto"
          data={[...groupings]}
          value={grouping}
          onChange={(event) => onGroup(event.currentTarget.value)}
        />
      </div>
      {selection.count > 0 && (
        <div className={classes.headRow} role="region" aria-label="Selected alerts">
          <AlertButtons
            alerts={selection.rows}
            onAction={(action) => runAction(action, selection, { confirm: selection.isAllMatching })}
          />
        </div>
      )}
    </div>
  )
}
