import { queryOptions } from '@tanstack/react-query'

import { api, type Schemas, unwrap, unwrapPage } from '../api/client'
import { pagedQuery } from '../api/queries'

// Everything that the app asks of events.

export type Event = Schemas['Event']

export type EventFilters = Partial<Record<'user_id' | 'type' | 'code' | 'from' | 'to', string>>

export const feedPageSize = 500 // events that are read at once

/** toApiFilters are filters as the API wants them: numbers where it wants numbers. What is none is refused by the server. */
export const toApiFilters = ({ type, ...numericFilters }: EventFilters) => ({
  ...(type && { type }),
  ...(Object.fromEntries(Object.entries(numericFilters).map(([name, text]) => [name, Number(text)])) as Record<keyof typeof numericFilters, number>),
})

/** eventFeedQuery are events, the newest first. Its key is not that of the lists that are read anew with each message: the feed takes messages in itself. */
export const eventFeedQuery = (filters: EventFilters) => ({
  ...pagedQuery(['feed', filters], (after, signal) =>
    unwrapPage(api.GET('/api/v1/events', { params: { query: { ...toApiFilters(filters), after, order: 'desc', limit: feedPageSize } }, signal })),
  ),
  structuralSharing: false as const, // comparing thousands of rows that never change would be felt
})

export const eventQuery = (id: string) =>
  queryOptions({
    queryKey: ['event', id],
    staleTime: Infinity, // what was recorded is never changed
    queryFn: ({ signal }) => unwrap(api.GET('/api/v1/events/{event_id}', { params: { path: { event_id: id } }, signal })),
  })

/** eventsUpToQuery are an event of a user and those before it, the newest first. */
export const eventsUpToQuery = (event: Pick<Event, 'id' | 'user_id'>) =>
  queryOptions({
    queryKey: ['event', event.id, 'before'],
    staleTime: Infinity,
    queryFn: async ({ client, signal }) => {
      const earlierEvents = unwrapPage(api.GET('/api/v1/events', { params: { query: { user_id: event.user_id, after: event.id, order: 'desc', limit: 200 } }, signal }))
      const [latest, { rows }] = await Promise.all([client.fetchQuery(eventQuery(event.id)), earlierEvents])
      return [latest, ...rows]
    },
  })
