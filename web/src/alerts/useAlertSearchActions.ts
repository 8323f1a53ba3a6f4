import type { IconName } from '../components/icons'
import { useObjectActions } from '../search/useObjectActions'
import { usePermission } from '../session/api'
import type { Alert } from './api'
import { type AlertAction, isActionAvailable } from './useAlertActions'
import { useCanAssignToMe } from './useCanAssignToMe'

const searchActions: { action: AlertAction; label: string; icon: IconName }[] = [
  { action: 'assignToMe', label: 'Assign to me…', icon: 'user' },
  { action: 'assign', label: 'Assign…', icon: 'users' },
  { action: 'acknowledge', label: 'Acknowledge…', icon: 'check' },
  { action: 'falsePositive', label: 'Close as false positive…', icon: 'close' },
  { action: 'close', label: 'Close…', icon: 'close' },
  { action: 'snooze', label: 'Snooze…', icon: 'clock' },
  { action: 'wake', label: 'End snooze…', icon: 'bell' },
  { action: 'changeOutcome', label: 'Change outcome…', icon: 'edit' },
]

/** useAlertSearchActions offers the actions on an alert in the search. Each opens a dialog before it writes. */
export function useAlertSearchActions(
  alert: Alert | undefined,
  runAction: (action: AlertAction, target: Alert, options: { confirm: boolean }) => void,
) {
  const canEdit = usePermission('operator')
  const canAssignToMe = useCanAssignToMe()
  const isAvailable = (action: AlertAction, target: Alert) =>
    isActionAvailable(action, target) && (action !== 'assignToMe' || canAssignToMe(target))
  useObjectActions(
    alert && canEdit
      ? searchActions
          .filter(({ action }) => isAvailable(action, alert))
          .map(({ action, label, icon }) => ({ label, icon, run: () => runAction(action, alert, { confirm: true }) }))
      : [],
  )
}
