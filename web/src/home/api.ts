import { queryOptions } from '@tanstack/react-query'

import { api, type Page, unwrapPage } from '../api/client'

// Queries of the Home screen. Their keys have the same prefixes as those of the lists, so that live updates refresh
// both.

const listSize = 6

export const openAlertsQuery = queryOptions({
  queryKey: ['alerts', 'home'],
  queryFn: ({ signal }) =>
    unwrapPage(
      api.GET('/api/v1/alerts', { params: { query: { state: 'open', order: 'desc', limit: listSize } }, signal }),
    ),
})

export const latestEventsQuery = queryOptions({
  queryKey: ['events', 'home'],
  queryFn: ({ signal }) =>
    unwrapPage(api.GET('/api/v1/events', { params: { query: { order: 'desc', limit: listSize } }, signal })),
})

/** myTodosQuery returns the unfinished todos of an assignee, by due date. */
export const myTodosQuery = (assignee: string) =>
  queryOptions({
    queryKey: ['todos', 'home', assignee],
    queryFn: async ({ signal }) => {
      const fetchTodos = (status: string) =>
        unwrapPage(api.GET('/api/v1/todos', { params: { query: { assignee, status, limit: 100 } }, signal }))
      const [doing, open] = await Promise.all([fetchTodos('doing'), fetchTodos('open')])
      return [...doing.rows, ...open.rows]
        .sort((a, b) => (a.due_on ?? '9999').localeCompare(b.due_on ?? '9999'))
        .slice(0, listSize)
    },
  })

/**
 * countLimits are page sizes. Lists have no total, so a count covers one page; more rows show as "1,000+". The page of
 * alerts is small because each message of the stream makes it stale.
 */
const countLimits = { sites: 1000, instruments: 1000, containers: 1000, alerts: 100 }

const countQuery = <T>(
  name: keyof typeof countLimits,
  label: string,
  to: string | undefined,
  fetchPage: (limit: number, signal: AbortSignal) => Promise<Page<T>>,
) => ({
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
  countQuery('sites', 'Sites', '/sites', (limit, signal) =>
    unwrapPage(api.GET('/api/v1/sites', { params: { query: { limit } }, signal })),
  ),
  countQuery('instruments', 'Instruments', '/instruments', (limit, signal) =>
    unwrapPage(api.GET('/api/v1/instruments', { params: { query: { limit } }, signal })),
  ),
  countQuery('containers', 'Containers', '/containers', (limit, signal) =>
    unwrapPage(api.GET('/api/v1/containers', { params: { query: { limit } }, signal })),
  ),
  countQuery('alerts', 'Open alerts', '/alerts', (limit, signal) =>
    unwrapPage(api.GET('/api/v1/alerts', { params: { query: { state: 'open', limit } }, signal })),
  ),
]
