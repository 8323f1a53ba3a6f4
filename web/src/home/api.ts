import { queryOptions } from '@tanstack/react-query'

import { api, type Page, unwrapPage } from '../api/client'
import { formatTotal } from '../components/formatTotal'

// Queries of the Home screen. Their keys have the same prefixes as those of the lists, so that live updates refresh
// both.

const listSize = 6

export const openAlertsQuery = queryOptions({
  queryKey: ['alerts', 'home'],
  queryFn: ({ signal }) =>
    unwrapPage(
      api.GET('/api/v1/alerts', { params: { query: { state: ['open'], sort: '-id', limit: listSize } }, signal }),
    ),
})

export const latestEventsQuery = queryOptions({
  queryKey: ['events', 'home'],
  queryFn: ({ signal }) =>
    unwrapPage(api.GET('/api/v1/events', { params: { query: { sort: '-id', limit: listSize } }, signal })),
})

/** myTodosQuery returns the unfinished todos of an assignee, by due date. */
export const myTodosQuery = (assignee: string) =>
  queryOptions({
    queryKey: ['todos', 'home', assignee],
    queryFn: async ({ signal }) => {
      const query = { assignee: [assignee], status: ['doing', 'open'], sort: 'due_on', limit: listSize }
      const { rows } = await unwrapPage(api.GET('/api/v1/todos', { params: { query }, signal }))
      return rows
    },
  })

const countQuery = <T>(
  label: string,
  to: string | undefined,
  queryKey: [noun: string, ...rest: string[]],
  fetchOneRow: (query: { limit: 1; count: 'exact' }, signal: AbortSignal) => Promise<Page<T>>,
) => ({
  label,
  to,
  query: queryOptions({
    queryKey,
    staleTime: 60_000,
    queryFn: async ({ signal }) => {
      const { total } = await fetchOneRow({ limit: 1, count: 'exact' }, signal)
      return total && formatTotal(total)
    },
  }),
})

export const countQueries = [
  countQuery('Sites', '/sites', ['sites', 'count'], (query, signal) =>
    unwrapPage(api.GET('/api/v1/sites', { params: { query }, signal })),
  ),
  countQuery('Instruments', '/instruments', ['instruments', 'count'], (query, signal) =>
    unwrapPage(api.GET('/api/v1/instruments', { params: { query }, signal })),
  ),
  countQuery('Containers', '/containers', ['containers', 'count'], (query, signal) =>
    unwrapPage(api.GET('/api/v1/containers', { params: { query }, signal })),
  ),
  countQuery('Open alerts', '/alerts', ['alerts', 'count'], (query, signal) =>
    unwrapPage(api.GET('/api/v1/alerts', { params: { query: { ...query, state: ['open'] } }, signal })),
  ),
]
