import { useState } from 'react'

import type { Problem } from '../api/problem'
import { toast } from '../components/toast'
import type { Selection } from '../grid/selection'
import { AlertUpdate } from './AlertUpdate'
import { AcknowledgeDialog } from './AcknowledgeDialog'
import type { Alert } from './api'
import { AssignDialog } from './AssignDialog'
import { BulkUpdateDialog } from './BulkUpdateDialog'
import { CloseDialog } from './CloseDialog'
import { MatchingUpdate } from './MatchingUpdate'

/** AlertAction is an action on alerts. changeOutcome applies to closed alerts. */
export type AlertAction = 'acknowledge' | 'close' | 'assign' | 'changeOutcome'

interface OpenDialog {
  action: AlertAction
  alerts: Alert[]
  /** Set if the action applies to all alerts that match the filters. */
  selection: Selection<Alert> | undefined
  initialValues: Partial<Alert>
  problem: Problem | undefined
}

interface PendingUpdate {
  key: number
  action: AlertAction
  alerts: Alert[]
  selection: Selection<Alert> | undefined
  changes: Partial<Alert>
}

const dialogTitles = {
  acknowledge: 'Acknowledge',
  close: 'Close',
  assign: 'Assign',
  changeOutcome: 'Change outcome of',
} as const

const actionDialogs = {
  acknowledge: AcknowledgeDialog,
  close: CloseDialog,
  assign: AssignDialog,
  changeOutcome: CloseDialog,
} as const

let lastKey = 0

/**
 * useAlertActions runs an action on one or more alerts. The screen must render the returned `dialogs`: they ask for
 * input, save the change and show conflicts.
 */
export function useAlertActions(onDone: (skipped: Alert[]) => void = () => {}) {
  const [openDialog, setOpenDialog] = useState<OpenDialog>()
  const [updates, setUpdates] = useState<PendingUpdate[]>([])
  const startUpdate = (update: Omit<PendingUpdate, 'key'>) =>
    setUpdates((current) => [...current, { key: ++lastKey, ...update }])
  const finishUpdate = (key: number) => setUpdates((current) => current.filter((update) => update.key !== key))

  const isBusy = (alert: Alert) => updates.some(({ alerts }) => alerts.some(({ id }) => id === alert.id))
  /**
   * runAction runs an action on alerts, or on all alerts of a selection. It asks before it acknowledges alerts if
   * confirm is true. A shortcut must not write at once.
   */
  const runAction = (
    action: AlertAction,
    targets: Alert[],
    { confirm = false, selection }: { confirm?: boolean; selection?: Selection<Alert> } = {},
  ) => {
    const alerts = targets.filter((alert) => isActionAvailable(action, alert) && !isBusy(alert))
    const [first] = alerts
    if (!first) return
    if (action === 'acknowledge' && !confirm) startUpdate({ action, alerts, selection, changes: { state: 'acknowledged' } })
    else setOpenDialog({ action, alerts, selection, initialValues: alerts.length === 1 ? first : {}, problem: undefined })
  }

  const dialogProps = openDialog && {
    title: `${dialogTitles[openDialog.action]} ${countAlerts(openDialog.selection?.count ?? openDialog.alerts.length)}`,
    initialValues: openDialog.initialValues,
    problem: openDialog.problem,
    onSubmit: (changes: Partial<Alert>) => {
      setOpenDialog(undefined)
      startUpdate({ action: openDialog.action, alerts: openDialog.alerts, selection: openDialog.selection, changes })
    },
    onCancel: () => setOpenDialog(undefined),
  }
  const ActionDialog = openDialog && actionDialogs[openDialog.action]
  const dialogs = (
    <>
      {ActionDialog && dialogProps && <ActionDialog {...dialogProps} />}
      {updates.map(({ key, action, alerts, selection, changes }) => {
        const [alert] = alerts
        if (selection)
          return (
            <MatchingUpdate
              key={key}
              selection={selection}
              changes={changes}
              describeResult={(count) => describeResult(action, changes, count)}
              onDone={(isSaved) => {
                finishUpdate(key)
                if (isSaved) onDone([])
              }}
            />
          )
        if (alerts.length > 1 || !alert)
          return (
            <BulkUpdateDialog
              key={key}
              alerts={alerts}
              changes={changes}
              describeResult={(count) => describeResult(action, changes, count)}
              onDone={(skipped) => {
                finishUpdate(key)
                onDone(skipped)
              }}
            />
          )
        return (
          <AlertUpdate
            key={key}
            alert={alert}
            changes={changes}
            successMessage={describeResult(action, changes, 1)}
            onDone={() => {
              finishUpdate(key)
              onDone([])
            }}
            onRejected={(rejectedChanges, problem) => {
              finishUpdate(key)
              if (action === 'acknowledge') toast(problem.message, 'error')
              else setOpenDialog({ action, alerts, selection, initialValues: { ...alert, ...rejectedChanges }, problem })
            }}
          />
        )
      })}
    </>
  )
  return { runAction, isBusy, dialogs }
}

/**
 * isActionAvailable reports whether the state of an alert allows an action. The states are open, acknowledged, closed,
 * in that order.
 */
export function isActionAvailable(action: AlertAction, { state }: Alert): boolean {
  return { acknowledge: state === 'open', close: state !== 'closed', assign: true, changeOutcome: state === 'closed' }[
    action
  ]
}

/** describeResult returns the toast after an action: "3 alerts closed". */
function describeResult(action: AlertAction, { assignee }: Partial<Alert>, count: number): string {
  const result = {
    acknowledge: 'acknowledged',
    close: 'closed',
    assign: assignee ? `assigned to ${assignee}` : 'unassigned',
    changeOutcome: 'updated',
  }[action]
  return `${count === 1 ? 'Alert' : countAlerts(count)} ${result}`
}

const countAlerts = (count: number) => (count === 1 ? 'alert' : `${count} alerts`)
