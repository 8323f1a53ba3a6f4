import { queryOptions } from '@tanstack/react-query'

import { api, type Page, page } from '../api/client'

// What the first screen asks. The keys begin as those of the lists do, so that what the stream tells makes these old, too.

const few = 6

export const openAlertsQuery = queryOptions({
  queryKey: ['alerts', 'home'],
  queryFn: ({ signal }) => page(api.GET('/api/v1/alerts', { params: { query: { state: 'open', order: 'desc', limit: few } }, signal })),
})

export const latestEventsQuery = queryOptions({
  queryKey: ['events', 'home'],
  queryFn: ({ signal }) => page(api.GET('/api/v1/events', { params: { query: { order: 'desc', limit: few } }, signal })),
})

/** myTodosQuery are the todos that somebody is to do, and has not done. */
export const myTodosQuery = (assignee: string) =>
  queryOptions({
    queryKey: ['todos', 'home', assignee],
    queryFn: async ({ signal }) => {
      const read = (status: string) => page(api.GET('/api/v1/todos', { params: { query: { assignee, status, limit: 100 } }, signal }))
      const [doing, open] = await Promise.all([read('doing'), read('open')])
      return [...doing.rows, ...open.rows].sort((a, b) => (a.due_on ?? '9999').localeCompare(b.due_on ?? '9999')).slice(0, few)
    },
  })

/** Lists do not say how long they are, so that they are counted as far as one page goes; one of alerts is small, since each message makes it old. */
const most = { sites: 1000, instruments: 1000, containers: 1000, alerts: 100 }

const counted = <T>(name: keyof typeof most, label: string, to: string | undefined, read: (limit: number, signal: AbortSignal) => Promise<Page<T>>) => ({
  label,
  to,
  query: queryOptions({
    queryKey: [name, 'count'],
    staleTime: 60_000,
    queryFn: async ({ signal }) => {
      const { rows, next } = await read(most[name], signal)
      return rows.length.toLocaleString() + (next ? '+' : '')
    },
  }),
})

export const counts = [
  counted('sites', 'Sites', '/sites', (limit, signal) => page(api.GET('/api/v1/sites', { params: { query: { limit } }, signal }))),
  counted('instruments', 'Instruments', '/instruments', (limit, signal) => page(api.GET('/api/v1/instruments', { params: { query: { limit } }, signal }))),
  counted('containers', 'Containers', '/containers', (limit, signal) => page(api.GET('/api/v1/containers', { params: { query: { limit } }, signal }))),
  counted('alerts', 'Open alerts', '/alerts', (limit, signal) => page(api.GET('/api/v1/alerts', { params: { query: { state: 'open', limit } }, signal }))),
]
