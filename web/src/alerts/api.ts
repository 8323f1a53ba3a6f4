import { queryOptions } from '@tanstack/react-query'

import { api, ifMatch, type Schemas, unwrap, unwrapPage } from '../api/client'
import type { FetchHistory, RowChange } from '../changes/api'

// API calls for alerts.

export type Alert = Schemas['Alert']

/** alertLabels are the labels of the fields that users can edit. */
export const alertLabels = {
  state: 'State',
  disposition: 'Outcome',
  assignee: 'Assignee',
  note: 'Note',
  snoozed_until: 'Snoozed until',
} as const satisfies Partial<Record<keyof Alert, string>>

export const alertStates: { value: Alert['state']; label: string }[] = [
  { value: 'open', label: 'Open' },
  { value: 'acknowledged', label: 'Acknowledged' },
  { value: 'closed', label: 'Closed' },
]

/** alertStateLabel returns the label of an alert state. */
export const alertStateLabel = (state: Alert['state']) =>
  alertStates.find(({ value }) => value === state)?.label ?? state

export const severityLabels: Record<Alert['severity'], string> = {
  critical: 'Critical',
  warning: 'Warning',
  info: 'Info',
}

export const severities = (Object.keys(severityLabels) as Alert['severity'][]).map((value) => ({
  value,
  label: severityLabels[value],
}))

export type Outcome = NonNullable<Alert['disposition']>

export const outcomes: { value: Outcome; label: string }[] = [
  { value: 'confirmed', label: 'Confirmed' },
  { value: 'false_positive', label: 'False positive' },
]

export const alertQuery = (id: string) =>
  queryOptions({ queryKey: ['alert', id], queryFn: ({ signal }) => fetchAlert(id, signal) })

export const fetchAlert = (id: string, signal?: AbortSignal) =>
  unwrap(
    api.GET('/api/v1/alerts/{alert_id}', {
      params: { path: { alert_id: id } },
      signal: signal ?? null,
      cache: 'no-store', // snoozing ends without a new version, so that the browser would keep a copy
    }),
  )

export const updateAlert = (changes: Partial<Alert>, base: Alert) => {
  const { state, assignee, note, disposition, snoozed_until } = changes
  const body = Object.fromEntries(
    Object.entries({ state, assignee, note, disposition, snoozed_until }).filter(([, value]) => value !== undefined),
  )
  return unwrap(
    api.PATCH('/api/v1/alerts/{alert_id}', {
      params: { path: { alert_id: base.id }, header: ifMatch(base) },
      body,
    }),
  )
}

/**
 * alertHistory fetches all changes of an alert at once, newest first. Alerts have their own history table; the rows are
 * converted to the type of other histories.
 */
export const alertHistory =
  (id: string): FetchHistory =>
  async (_, signal) => {
    const changes: RowChange[] = []
    let after: string | undefined
    do {
      const { rows, nextCursor } = await unwrapPage(
        api.GET('/api/v1/alerts/{alert_id}/history', {
          params: { path: { alert_id: id }, query: { after, limit: 1000 } },
          signal,
        }),
      )
      changes.push(
        ...rows.map((change) => ({
          ...change,
          id: change.version,
          table_name: 'alert',
          row_key: id,
          action: 'update' as const,
        })),
      )
      after = nextCursor
    } while (after !== undefined)
    return { rows: changes.reverse(), nextCursor: undefined }
  }
