import { queryOptions } from '@tanstack/react-query'

import { api, page, row, type Schemas } from '../api/client'
import { paged } from '../api/queries'

// Everything that the app asks of events.

export type Event = Schemas['Event']

export type EventFilters = Partial<Record<'user_id' | 'type' | 'code' | 'from' | 'to', string>>

export const feedSize = 500 // events that are read at once

/** asked are filters as the API wants them: numbers where it wants numbers. What is none is refused by the server. */
export const asked = ({ type, ...numbers }: EventFilters) => ({
  ...(type && { type }),
  ...(Object.fromEntries(Object.entries(numbers).map(([name, text]) => [name, Number(text)])) as Record<keyof typeof numbers, number>),
})

/** feedQuery are events, the newest first. Its key is not that of the lists that are read anew with each message: the feed takes messages in itself. */
export const feedQuery = (filters: EventFilters) => ({
  ...paged(['feed', filters], (after, signal) =>
    page(api.GET('/api/v1/events', { params: { query: { ...asked(filters), after, order: 'desc', limit: feedSize } }, signal })),
  ),
  structuralSharing: false as const, // comparing thousands of rows that never change would be felt
})

export const eventQuery = (id: string) =>
  queryOptions({
    queryKey: ['event', id],
    staleTime: Infinity, // what was recorded is never changed
    queryFn: ({ signal }) => row(api.GET('/api/v1/events/{event_id}', { params: { path: { event_id: id } }, signal })),
  })

/** eventsUpTo are an event of a user and those before it, the newest first. */
export const eventsUpTo = (event: Pick<Event, 'id' | 'user_id'>) =>
  queryOptions({
    queryKey: ['event', event.id, 'before'],
    staleTime: Infinity,
    queryFn: async ({ client, signal }) => {
      const before = page(api.GET('/api/v1/events', { params: { query: { user_id: event.user_id, after: event.id, order: 'desc', limit: 200 } }, signal }))
      const [last, { rows }] = await Promise.all([client.fetchQuery(eventQuery(event.id)), before])
      return [last, ...rows]
    },
  })
