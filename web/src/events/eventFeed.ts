import type { Event, EventFilters } from './api'

/** matchesFilters reports whether an event matches the filters, with the same semantics as the API. */
export function matchesFilters(event: Event, { user_id, type, code, from, to, voided }: EventFilters): boolean {
  return (
    (!user_id || event.user_id === Number(user_id)) &&
    (!type || event.type === type) &&
    (!code || event.alert_codes.includes(Number(code))) &&
    (!from || event.time >= Number(from)) &&
    (!to || event.time < Number(to)) &&
    (!voided || (event.void_id !== null) === (voided === 'true'))
  )
}

/**
 * mergeEvents merges fetched events (newest first) with events from the stream (any order). The result has no
 * duplicates and is newest first. IDs ascend with time.
 */
export function mergeEvents(fetched: readonly Event[], arrived: readonly Event[]): Event[] {
  if (arrived.length === 0) return fetched as Event[]
  const newEvents = [...new Map(arrived.map((event) => [event.id, event])).values()].sort((a, b) =>
    a.id < b.id ? 1 : -1,
  )
  const mergedEvents: Event[] = []
  let index = 0
  for (const event of fetched) {
    for (let newEvent = newEvents[index]; newEvent && newEvent.id >= event.id; newEvent = newEvents[++index])
      if (newEvent.id !== event.id) mergedEvents.push(newEvent)
    mergedEvents.push(event)
  }
  return mergedEvents.concat(newEvents.slice(index))
}

/**
 * splitAtNewest splits events at the ID that was newest when the user paused the feed. It returns the event with that
 * ID and the older ones, and the number of newer events.
 */
export function splitAtNewest(events: Event[], newest: string | undefined): { visible: Event[]; waitingCount: number } {
  const waitingCount = newest === undefined ? 0 : events.findIndex(({ id }) => id <= newest)
  // No new events, or so many that the older ones are no longer loaded.
  if (waitingCount <= 0) return { visible: events, waitingCount: 0 }
  return { visible: events.slice(waitingCount), waitingCount }
}
