import { batches } from '../api/batches'
import { api, unwrap, unwrapPage } from '../api/client'
import { patchSelection, type Selection } from '../grid/selection'
import type { Alert } from './api'

// Changes of many alerts. Each is one request: all alerts change, or none.

/** AlertValues are the fields of an alert that people change. */
type AlertValues = Pick<Alert, 'state' | 'assignee' | 'note' | 'disposition' | 'snoozed_until'>

/** alertValues returns the fields of an alert that people change. */
const alertValues = ({ state, assignee, note, disposition, snoozed_until }: Alert): AlertValues => ({
  state,
  assignee,
  note,
  disposition,
  snoozed_until,
})

const pageSize = 1000 // alerts per request; the limit of the server

/** maxUndo is the largest number of alerts whose change can be undone. */
const maxUndo = 2 * pageSize

/** UndoResult counts the alerts that have their former values again, and those that have changed since. */
export interface UndoResult {
  restored: number
  changedSince: number
}

interface BulkResult {
  matched: number
  /** Undefined if nothing changed, or if there are too many alerts to remember. */
  undo: (() => Promise<UndoResult>) | undefined
}

/** bulkUpdate changes all selected alerts, except those that another user has changed since they were loaded. */
export async function bulkUpdate(selection: Selection<Alert>, changes: Partial<Alert>): Promise<BulkResult> {
  const before = selection.isAllMatching ? await fetchMatching(selection) : selection.rows
  const { matched } = await patchSelection('alerts', skipChangedSince(selection), changes)
  const differing = before?.filter((alert) => !hasValues(alert, changes))
  const changed = matched === before?.length ? differing : differing && (await findChanged(differing, changes))
  return { matched, undo: changed && changed.length > 0 ? () => undoUpdate(changed) : undefined }
}

const hasValues = (alert: Alert, values: Partial<Alert>) =>
  Object.entries(values).every(([name, value]) => alert[name as keyof Alert] === value)

/** skipChangedSince leaves out rows that have changed since the newest change that the page shows. */
function skipChangedSince(selection: Selection<Alert>): Selection<Alert> {
  if (selection.isAllMatching) return selection
  const newest = selection.rows.map(({ changed_at }) => changed_at).reduce((a, b) => (Date.parse(a) < Date.parse(b) ? b : a))
  return { ...selection, params: { ...selection.params, changed_at__lte: newest } }
}

/** fetchMatching returns the alerts that match a selection, or undefined if there are more than maxUndo. */
async function fetchMatching({ params, count }: Selection<Alert>): Promise<Alert[] | undefined> {
  if (count > maxUndo) return undefined
  const alerts: Alert[] = []
  let after: string | undefined
  do {
    const page = await fetchAlerts({ ...params, sort: 'id', limit: pageSize, after })
    alerts.push(...page.rows)
    after = page.nextCursor
  } while (after !== undefined && alerts.length <= maxUndo)
  return alerts
}

const fetchAlerts = (query: object) => unwrapPage<Alert>(api.GET('/api/v1/alerts', { params: { query } }))

/** findChanged returns the alerts of before that have the values of the change now. */
async function findChanged(before: readonly Alert[], changes: Partial<Alert>): Promise<Alert[]> {
  const changed: Alert[] = []
  for (const alerts of batches(before, idsPerRequest)) {
    const { rows } = await fetchAlerts({ id__in: joinIds(alerts), limit: alerts.length })
    const current = new Map(rows.map((row) => [row.id, row]))
    changed.push(
      ...alerts.filter(({ id, version }) => {
        const row = current.get(id)
        return row?.version === version + 1 && hasValues(row, changes)
      }),
    )
  }
  return changed
}

const idsPerRequest = 100 // keeps URLs short

const joinIds = (alerts: readonly Alert[]) => alerts.map(({ id }) => id).join(',')

/** undoUpdate gives alerts the values that they had before the last change, unless they have changed again since. */
export async function undoUpdate(before: readonly Alert[]): Promise<UndoResult> {
  const groups = Map.groupBy(before, (alert) => JSON.stringify([alertValues(alert), alert.version]))
  let restored = 0
  for (const group of groups.values())
    for (const alerts of batches(group, idsPerRequest)) {
      const [first] = alerts
      if (!first) continue
      const query = { id__in: joinIds(alerts), version: first.version + 1, max: alerts.length }
      const { matched } = await unwrap(
        api.PATCH('/api/v1/alerts', { params: { query: query as never }, body: alertValues(first) }),
      )
      restored += matched
    }
  return { restored, changedSince: before.length - restored }
}
