import { queryOptions } from '@tanstack/react-query'

import { api, etag, page, row, type Schemas } from '../api/client'
import { paged } from '../api/queries'
import type { Change, ReadHistory } from '../changes/api'
import { asked } from '../events/api'

// Everything that the app asks of alerts.

export type Alert = Schemas['Alert']

/** What people call what they make of an alert. */
export const alertLabels = {
  state: 'State',
  disposition: 'It turned out',
  assignee: 'Assignee',
  note: 'Note',
} as const satisfies Partial<Record<keyof Alert, string>>

export const states: { value: Alert['state']; label: string }[] = [
  { value: 'open', label: 'Open' },
  { value: 'acknowledged', label: 'Acknowledged' },
  { value: 'closed', label: 'Closed' },
]

export type Disposition = NonNullable<Alert['disposition']>

export const dispositions: { value: Disposition; label: string }[] = [
  { value: 'confirmed', label: 'Confirmed' },
  { value: 'false_positive', label: 'False positive' },
]

export type AlertFilters = Partial<Record<'state' | 'code' | 'assignee' | 'user_id' | 'disposition', string>>

export const alertsQuery = ({ state, assignee, disposition, ...numbers }: AlertFilters) =>
  paged(['alerts', { state, assignee, disposition, ...numbers }], (after, signal) =>
    page(
      api.GET('/api/v1/alerts', {
        params: { query: { ...asked(numbers), ...(state && { state }), ...(assignee && { assignee }), ...(disposition && { disposition }), after, order: 'desc' } },
        signal,
      }),
    ),
  )

export const alertQuery = (id: string) => queryOptions({ queryKey: ['alert', id], queryFn: ({ signal }) => readAlert(id, signal) })

export const readAlert = (id: string, signal?: AbortSignal) =>
  row(api.GET('/api/v1/alerts/{alert_id}', { params: { path: { alert_id: id } }, signal: signal ?? null }))

export const changeAlert = (changes: Partial<Alert>, base: Alert) => {
  const { state, assignee, note, disposition } = changes
  const given = Object.fromEntries(Object.entries({ state, assignee, note, disposition }).filter(([, value]) => value !== undefined))
  return row(api.PATCH('/api/v1/alerts/{alert_id}', { params: { path: { alert_id: base.id }, header: etag(base) }, body: given }))
}

/** alertHistory is what people made of an alert, all of it at once: it is kept beside the ledger, and looks as other histories do. */
export const alertHistory =
  (id: string): ReadHistory =>
  async (_, signal) => {
    const found: Change[] = []
    let after: string | undefined
    do {
      const { rows, next } = await page(api.GET('/api/v1/alerts/{alert_id}/history', { params: { path: { alert_id: id }, query: { after, limit: 1000 } }, signal }))
      found.push(...rows.map((change) => ({ ...change, id: change.version, table_name: 'alert', row_key: id, action: 'update' as const })))
      after = next
    } while (after !== undefined)
    return { rows: found.reverse(), next: undefined }
  }
