import { queryOptions } from '@tanstack/react-query'

import { api, type Schemas, unwrap, unwrapPage } from '../api/client'
import { pagedQuery } from '../api/queries'

// API calls for events.

export type Event = Schemas['Event']

/** EventDetails is an event with its void. */
export type EventDetails = Schemas['GetEventRow']

/** eventTypeLabels are the labels of the event types. */
export const eventTypeLabels = { deposit: 'Deposit', withdraw: 'Withdrawal' } as const satisfies Record<
  Event['type'],
  string
>

/** formatEvent returns the type and amount of an event: "Deposit 20.25". */
export const formatEvent = ({ type, amount }: Pick<Event, 'type' | 'amount'>) => `${eventTypeLabels[type]} ${amount}`

const feedPageSize = 500 // events per request

/** voidOptions are the values of the filter void_id__empty, which finds voided events and marked alerts. */
export const voidOptions = [
  { value: 'false', label: 'Void' },
  { value: 'true', label: 'Not void' },
]

/**
 * eventFeedQuery lists events, newest first. Its key differs from the keys that live messages invalidate, because the
 * feed merges live messages itself.
 */
export const eventFeedQuery = (params: Record<string, string>) => ({
  ...pagedQuery(['feed', params], (after, signal) =>
    unwrapPage(
      api.GET('/api/v1/events', {
        params: { query: { ...params, after, sort: '-id', limit: feedPageSize } as object },
        signal,
      }),
    ),
  ),
  structuralSharing: false as const, // comparing thousands of immutable rows would be slow
})

export const eventQuery = (id: string) =>
  queryOptions({
    queryKey: ['event', id], // an event never changes, but it may be voided
    queryFn: ({ signal }) =>
      unwrap(api.GET('/api/v1/events/{event_id}', { params: { path: { event_id: id } }, signal })),
  })

/** voidEvent voids an event. A dry run returns the number of alerts that would be marked. */
export const voidEvent = (id: string, reason: string, { dryRun }: { dryRun: boolean }) =>
  unwrap(
    api.POST('/api/v1/events/{event_id}/void', {
      params: { path: { event_id: id }, query: { dry_run: dryRun } },
      body: { reason },
    }),
  )

/** eventsAfterQuery fetches up to 20 events of a user after an event, oldest first. */
export const eventsAfterQuery = (event: Pick<Event, 'id' | 'user_id'>) =>
  queryOptions({
    queryKey: ['events', 'after', event.id],
    queryFn: async ({ signal }) => {
      const query = { user_id: [event.user_id], after: event.id, sort: 'id', limit: 20 }
      return (await unwrapPage(api.GET('/api/v1/events', { params: { query }, signal }))).rows
    },
  })

/** eventsUpToQuery fetches an event and up to 200 events of the same user before it, newest first. */
export const eventsUpToQuery = (event: Pick<Event, 'id' | 'user_id'>) =>
  queryOptions({
    queryKey: ['event', event.id, 'before'],
    staleTime: Infinity,
    queryFn: async ({ client, signal }) => {
      const earlierEvents = unwrapPage(
        api.GET('/api/v1/events', {
          params: { query: { user_id: [event.user_id], after: event.id, sort: '-id', limit: 200 } },
          signal,
        }),
      )
      const [latest, { rows }] = await Promise.all([client.fetchQuery(eventQuery(event.id)), earlierEvents])
      return [latest, ...rows]
    },
  })
