import { Button, Group } from '@mantine/core'

import { usePermission } from '../session/api'
import type { Alert } from './api'
import { type AlertAction, isActionAvailable } from './useAlertActions'

interface Props {
  alerts: Alert[]
  onAction: (action: AlertAction, alerts: Alert[]) => void
  isBusy?: boolean
  /** True in a table: hides the action that only applies to closed alerts. */
  isCompact?: boolean
}

const actionLabels = {
  acknowledge: 'Acknowledge',
  close: 'Close',
  assign: 'Assign',
  changeOutcome: 'Change outcome',
} as const

/** AlertButtons shows a button for each available action. It shows nothing to users without the operator role. */
export function AlertButtons({ alerts, onAction, isBusy = false, isCompact = false }: Props) {
  const canEdit = usePermission('operator')
  if (!canEdit) return null
  return (
    <Group gap={4} wrap={isCompact ? 'nowrap' : 'wrap'}>
      {(Object.keys(actionLabels) as AlertAction[])
        .filter(
          (action) =>
            alerts.some((alert) => isActionAvailable(action, alert)) && !(isCompact && action === 'changeOutcome'),
        )
        .map((action) => (
          <Button
            key={action}
            variant="default"
            size={isCompact ? 'compact-xs' : 'sm'}
            disabled={isBusy}
            onClick={() => onAction(action, alerts)}
          >
            {actionLabels[action]}
          </Button>
        ))}
    </Group>
  )
}

const stateColors = { open: 'orange', acknowledged: 'blue', closed: 'gray' } as Record<string, string>

/** alertStateColor returns the badge colour of an alert state. */
export const alertStateColor = (state: string) => stateColors[state] ?? 'gray'
