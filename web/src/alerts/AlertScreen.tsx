import { useQuery } from '@tanstack/react-query'
import { useParams } from '@tanstack/react-router'

import { TextLink } from '../components/links'
import { Screen } from '../components/Screen'
import { usePermission } from '../session/api'
import { useShortcut } from '../shell/shortcuts'
import { AlertView, useAlertTitle } from './AlertView'
import { alertQuery } from './api'
import { type AlertAction, useAlertActions } from './useAlertActions'

/** AlertScreen shows one alert with its linked todos and its history. */
export function AlertScreen() {
  const { id } = useParams({ from: '/alerts/$id' })
  const { data } = useQuery(alertQuery(id))
  const { runAction, isBusy, dialogs } = useAlertActions()
  const title = useAlertTitle()
  const canAct = usePermission('operator') && data !== undefined
  const run = (action: AlertAction) => () => data && runAction(action, data, { confirm: true })
  useShortcut('i', 'Assign', run('assign'), canAct)
  useShortcut('y', 'Acknowledge', run('acknowledge'), canAct)
  useShortcut('v', 'Close as false positive', run('falsePositive'), canAct)
  useShortcut('q', 'Close', run('close'), canAct)
  useShortcut('z', 'Snooze', run('snooze'), canAct)
  return (
    <Screen title={data ? title(data) : 'Alert'} breadcrumb={<TextLink to="/alerts">Alerts</TextLink>}>
      <AlertView id={id} runAction={runAction} isBusy={isBusy} isTitled />
      {dialogs}
    </Screen>
  )
}
