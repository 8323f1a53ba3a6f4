import type { Selection } from '../grid/selection'
import type { Alert } from './api'
import type { AlertAction } from './useAlertActions'

const openOnly: readonly AlertAction[] = ['acknowledge', 'falsePositive', 'close', 'snooze']

/** restrictSelection leaves out alerts whose state does not allow an action. rows are the chosen ones that allow it. */
export function restrictSelection(selection: Selection<Alert>, action: AlertAction, rows: Alert[]): Selection<Alert> {
  const { isAllMatching, params } = selection
  if (!isAllMatching)
    return { ...selection, rows, count: rows.length, params: { id__in: rows.map(({ id }) => id).join(',') } }
  if (action === 'changeOutcome') return { ...selection, params: { ...params, state: 'closed' } }
  if (!openOnly.includes(action)) return selection
  return { ...selection, params: { ...params, state__not: [params.state__not ?? [], 'closed'].flat() } }
}
