import { queryOptions } from '@tanstack/react-query'

import { api, ifMatch, type Schemas, unwrap, unwrapPage } from '../api/client'
import { pagedQuery } from '../api/queries'
import type { Change, FetchHistory } from '../changes/api'
import { toApiFilters } from '../events/api'

// Everything that the app asks of alerts.

export type Alert = Schemas['Alert']

/** What people call what they make of an alert. */
export const alertLabels = {
  state: 'State',
  disposition: 'It turned out',
  assignee: 'Assignee',
  note: 'Note',
} as const satisfies Partial<Record<keyof Alert, string>>

export const alertStates: { value: Alert['state']; label: string }[] = [
  { value: 'open', label: 'Open' },
  { value: 'acknowledged', label: 'Acknowledged' },
  { value: 'closed', label: 'Closed' },
]

export type Outcome = NonNullable<Alert['disposition']>

export const outcomes: { value: Outcome; label: string }[] = [
  { value: 'confirmed', label: 'Confirmed' },
  { value: 'false_positive', label: 'False positive' },
]

export type AlertFilters = Partial<Record<'state' | 'code' | 'assignee' | 'user_id' | 'disposition', string>>

export const alertsQuery = ({ state, assignee, disposition, ...numericFilters }: AlertFilters) =>
  pagedQuery(['alerts', { state, assignee, disposition, ...numericFilters }], (after, signal) =>
    unwrapPage(
      api.GET('/api/v1/alerts', {
        params: { query: { ...toApiFilters(numericFilters), ...(state && { state }), ...(assignee && { assignee }), ...(disposition && { disposition }), after, order: 'desc' } },
        signal,
      }),
    ),
  )

export const alertQuery = (id: string) => queryOptions({ queryKey: ['alert', id], queryFn: ({ signal }) => fetchAlert(id, signal) })

export const fetchAlert = (id: string, signal?: AbortSignal) =>
  unwrap(api.GET('/api/v1/alerts/{alert_id}', { params: { path: { alert_id: id } }, signal: signal ?? null }))

export const updateAlert = (changes: Partial<Alert>, base: Alert) => {
  const { state, assignee, note, disposition } = changes
  const body = Object.fromEntries(Object.entries({ state, assignee, note, disposition }).filter(([, value]) => value !== undefined))
  return unwrap(api.PATCH('/api/v1/alerts/{alert_id}', { params: { path: { alert_id: base.id }, header: ifMatch(base) }, body: body }))
}

/** alertHistory is what people made of an alert, all of it at once: it is kept beside the ledger, and looks as other histories do. */
export const alertHistory =
  (id: string): FetchHistory =>
  async (_, signal) => {
    const changes: Change[] = []
    let after: string | undefined
    do {
      const { rows, nextCursor } = await unwrapPage(api.GET('/api/v1/alerts/{alert_id}/history', { params: { path: { alert_id: id }, query: { after, limit: 1000 } }, signal }))
      changes.push(...rows.map((change) => ({ ...change, id: change.version, table_name: 'alert', row_key: id, action: 'update' as const })))
      after = nextCursor
    } while (after !== undefined)
    return { rows: changes.reverse(), nextCursor: undefined }
  }
