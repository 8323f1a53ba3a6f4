import { Button, Group } from '@mantine/core'

import { usePermission } from '../session/api'
import type { Alert } from './api'
import { type AlertAction, isActionAvailable } from './useAlertActions'
import { useCanAssignToMe } from './useCanAssignToMe'

interface Props {
  alerts: Alert[]
  onAction: (action: AlertAction, alerts: Alert[]) => void
  isBusy?: boolean
}

const actionLabels: Record<AlertAction, string> = {
  assignToMe: 'Assign to me',
  assign: 'Assign…',
  acknowledge: 'Acknowledge',
  falsePositive: 'False positive',
  close: 'Close…',
  snooze: 'Snooze…',
  wake: 'End snooze',
  changeOutcome: 'Change outcome…',
}

/** AlertButtons shows a button for each available action. It shows nothing to users without the operator role. */
export function AlertButtons({ alerts, onAction, isBusy = false }: Props) {
  const canEdit = usePermission('operator')
  const canAssignToMe = useCanAssignToMe()
  if (!canEdit) return null
  return (
    <Group gap={6}>
      {(Object.keys(actionLabels) as AlertAction[])
        .filter((action) => alerts.some((alert) => isActionAvailable(action, alert)))
        .filter((action) => action !== 'assignToMe' || alerts.some(canAssignToMe))
        .map((action) => (
          <Button
            key={action}
            variant="default"
            disabled={isBusy}
            title={action === 'falsePositive' ? 'Close as false positive' : undefined}
            onClick={() => onAction(action, alerts)}
          >
            {actionLabels[action]}
          </Button>
        ))}
    </Group>
  )
}
