import { queryOptions } from '@tanstack/react-query'

import { api, type Page, unwrapPage } from '../api/client'

// What the first screen asks. The keys begin as those of the lists do, so that what the stream tells makes these old, too.

const listSize = 6

export const openAlertsQuery = queryOptions({
  queryKey: ['alerts', 'home'],
  queryFn: ({ signal }) => unwrapPage(api.GET('/api/v1/alerts', { params: { query: { state: 'open', order: 'desc', limit: listSize } }, signal })),
})

export const latestEventsQuery = queryOptions({
  queryKey: ['events', 'home'],
  queryFn: ({ signal }) => unwrapPage(api.GET('/api/v1/events', { params: { query: { order: 'desc', limit: listSize } }, signal })),
})

/** myTodosQuery are the todos that somebody is to do, and has not done. */
export const myTodosQuery = (assignee: string) =>
  queryOptions({
    queryKey: ['todos', 'home', assignee],
    queryFn: async ({ signal }) => {
      const fetchTodos = (status: string) => unwrapPage(api.GET('/api/v1/todos', { params: { query: { assignee, status, limit: 100 } }, signal }))
      const [doing, open] = await Promise.all([fetchTodos('doing'), fetchTodos('open')])
      return [...doing.rows, ...open.rows].sort((a, b) => (a.due_on ?? '9999').localeCompare(b.due_on ?? '9999')).slice(0, listSize)
    },
  })

/** Lists do not say how long they are, so that they are counted as far as one page goes; one of alerts is small, since each message makes it old. */
const countLimits = { sites: 1000, instruments: 1000, containers: 1000, alerts: 100 }

const countQuery = <T>(name: keyof typeof countLimits, label: string, to: string | undefined, fetchPage: (limit: number, signal: AbortSignal) => Promise<Page<T>>) => ({
  label,
  to,
  query: queryOptions({
    queryKey: [name, 'count'],
    staleTime: 60_000,
    queryFn: async ({ signal }) => {
      const { rows, nextCursor } = await fetchPage(countLimits[name], signal)
      return rows.length.toLocaleString() + (nextCursor ? '+' : '')
    },
  }),
})

export const countQueries = [
  countQuery('sites', 'Sites', '/sites', (limit, signal) => unwrapPage(api.GET('/api/v1/sites', { params: { query: { limit } }, signal }))),
  countQuery('instruments', 'Instruments', '/instruments', (limit, signal) => unwrapPage(api.GET('/api/v1/instruments', { params: { query: { limit } }, signal }))),
  countQuery('containers', 'Containers', '/containers', (limit, signal) => unwrapPage(api.GET('/api/v1/containers', { params: { query: { limit } }, signal }))),
  countQuery('alerts', 'Open alerts', '/alerts', (limit, signal) => unwrapPage(api.GET('/api/v1/alerts', { params: { query: { state: 'open', limit } }, signal }))),
]
