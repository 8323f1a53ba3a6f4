import { useState } from 'react'

import type { Problem } from '../api/problem'
import { toast } from '../components/toast'
import type { Selection } from '../grid/selection'
import { usePersonName } from '../people/PersonName'
import { useSession } from '../session/api'
import { ConfirmDialog } from './ConfirmDialog'
import { AlertUpdate } from './AlertUpdate'
import type { Alert } from './api'
import { AssignDialog } from './AssignDialog'
import { BulkAlertUpdate } from './BulkAlertUpdate'
import { CloseDialog } from './CloseDialog'
import { countAlerts } from './countAlerts'
import { restrictSelection } from './restrictSelection'
import { SnoozeDialog } from './SnoozeDialog'

/**
 * AlertAction is an action on alerts. falsePositive closes at once; changeOutcome applies to closed alerts; wake ends a
 * snooze.
 */
export type AlertAction =
  | 'assign'
  | 'assignToMe'
  | 'acknowledge'
  | 'falsePositive'
  | 'close'
  | 'snooze'
  | 'wake'
  | 'changeOutcome'

interface PendingUpdate {
  key: number
  action: AlertAction
  /** One alert is changed with a check for conflicts, several in one request. */
  target: Alert | Selection<Alert>
  changes: Partial<Alert>
}

interface OpenDialog extends Omit<PendingUpdate, 'key' | 'changes'> {
  initialValues: Partial<Alert>
  problem: Problem | undefined
}

/** useImmediateChanges returns the changes of the actions that ask for nothing. */
function useImmediateChanges(): Partial<Record<AlertAction, Partial<Alert>>> {
  const username = useSession()?.username
  return {
    ...(username !== undefined && { assignToMe: { assignee: username } }),
    acknowledge: { state: 'acknowledged' },
    falsePositive: { state: 'closed', disposition: 'false_positive' },
    wake: { snoozed_until: null },
  }
}

const dialogs = {
  assign: { title: 'Assign', Content: AssignDialog },
  assignToMe: { title: 'Assign to me:', Content: ConfirmDialog },
  acknowledge: { title: 'Acknowledge', Content: ConfirmDialog },
  falsePositive: { title: 'Close as false positive:', Content: ConfirmDialog },
  close: { title: 'Close', Content: CloseDialog },
  snooze: { title: 'Snooze', Content: SnoozeDialog },
  wake: { title: 'End the snooze of', Content: ConfirmDialog },
  changeOutcome: { title: 'Change outcome of', Content: CloseDialog },
} as const

const isSelection = (target: Alert | Selection<Alert>): target is Selection<Alert> => 'params' in target

let lastKey = 0

/**
 * useAlertActions runs an action on one or more alerts, and offers to undo it. The screen must render the returned
 * `dialogs`: they ask for input, save the change and show conflicts.
 */
export function useAlertActions() {
  const personName = usePersonName()
  const immediateChanges = useImmediateChanges()
  const [openDialog, setOpenDialog] = useState<OpenDialog>()
  const [updates, setUpdates] = useState<PendingUpdate[]>([])
  const startUpdate = (update: Omit<PendingUpdate, 'key'>) =>
    setUpdates((current) => [...current, { key: ++lastKey, ...update }])
  const finishUpdate = (key: number) => setUpdates((current) => current.filter((update) => update.key !== key))
  const isBusy = (alert: Alert) =>
    updates.some(({ target }) => (isSelection(target) ? target.rows : [target]).some(({ id }) => id === alert.id))

  /**
   * runAction runs an action on an alert, or on all alerts of a selection. With confirm, it asks also before actions
   * that need no input: a shortcut must not write at once.
   */
  const runAction = (
    action: AlertAction,
    target: Alert | Selection<Alert>,
    { confirm = false }: { confirm?: boolean } = {},
  ) => {
    const alerts = (isSelection(target) ? target.rows : [target]).filter(
      (alert) => isActionAvailable(action, alert) && !isBusy(alert),
    )
    const [first] = alerts
    if (!first) return
    const restricted = isSelection(target) ? restrictSelection(target, action, alerts) : target
    const isOne = !isSelection(restricted) || restricted.count === 1
    const changes = immediateChanges[action]
    if (changes && !confirm) startUpdate({ action, target: isOne ? first : restricted, changes })
    else
      setOpenDialog({
        action,
        target: isOne ? first : restricted,
        initialValues: isOne ? first : {},
        problem: undefined,
      })
  }

  /** describeResult returns the toast after an action: "3 alerts closed". */
  const describeResult = (action: AlertAction, { assignee }: Partial<Alert>, count: number): string => {
    const assigned = assignee ? `assigned to ${personName(assignee)}` : 'unassigned'
    const result = {
      assign: assigned,
      assignToMe: assigned,
      acknowledge: 'acknowledged',
      falsePositive: 'closed as false positive',
      close: 'closed',
      snooze: 'snoozed',
      wake: 'no longer snoozed',
      changeOutcome: 'updated',
    }[action]
    return `${count === 1 ? 'Alert' : countAlerts(count)} ${result}`
  }

  const dialogElements = (
    <>
      {openDialog && (
        <ActionDialog
          {...openDialog}
          onSubmit={(changes) => {
            setOpenDialog(undefined)
            startUpdate({ ...openDialog, changes: { ...immediateChanges[openDialog.action], ...changes } })
          }}
          onCancel={() => setOpenDialog(undefined)}
        />
      )}
      {updates.map(({ key, action, target, changes }) =>
        isSelection(target) ? (
          <BulkAlertUpdate
            key={key}
            selection={target}
            changes={changes}
            describeResult={(count) => describeResult(action, changes, count)}
            onDone={() => finishUpdate(key)}
          />
        ) : (
          <AlertUpdate
            key={key}
            alert={target}
            changes={changes}
            successMessage={describeResult(action, changes, 1)}
            onDone={() => finishUpdate(key)}
            onRejected={(rejectedChanges, problem) => {
              finishUpdate(key)
              if (immediateChanges[action]) toast(problem.message, 'error')
              else setOpenDialog({ action, target, initialValues: { ...target, ...rejectedChanges }, problem })
            }}
          />
        ),
      )}
    </>
  )
  return { runAction, isBusy, dialogs: dialogElements }
}

interface ActionDialogProps extends OpenDialog {
  onSubmit: (changes: Partial<Alert>) => void
  onCancel: () => void
}

function ActionDialog({ action, target, ...props }: ActionDialogProps) {
  const { title, Content } = dialogs[action]
  const count = isSelection(target) ? target.count : 1
  return <Content title={`${title} ${count === 1 ? 'alert' : countAlerts(count)}`} {...props} />
}

/**
 * isActionAvailable reports whether the state of an alert allows an action. The states are open, acknowledged, closed,
 * in that order.
 */
export function isActionAvailable(action: AlertAction, { state, snoozed }: Alert): boolean {
  const isClosed = state === 'closed'
  return {
    assign: true,
    assignToMe: true,
    acknowledge: state === 'open',
    falsePositive: !isClosed,
    close: !isClosed,
    snooze: !isClosed && !snoozed,
    wake: snoozed,
    changeOutcome: isClosed,
  }[action]
}
