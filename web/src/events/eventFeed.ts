import type { Event, EventFilters } from './api'

/** matchesFilters tells whether the list that was asked for by filters has an event. */
export function matchesFilters(event: Event, { user_id, type, code, from, to }: EventFilters): boolean {
  return (
    (!user_id || event.user_id === Number(user_id)) &&
    (!type || event.type === type) &&
    (!code || event.alert_codes.includes(Number(code))) &&
    (!from || event.time >= Number(from)) &&
    (!to || event.time < Number(to))
  )
}

/** mergeEvents are events that were read, the newest first, and events that arrived since, in any order: each once, the newest first. Ids ascend with time. */
export function mergeEvents(fetched: readonly Event[], arrived: readonly Event[]): Event[] {
  if (arrived.length === 0) return fetched as Event[]
  const newEvents = [...new Map(arrived.map((event) => [event.id, event])).values()].sort((a, b) => (a.id < b.id ? 1 : -1))
  const mergedEvents: Event[] = []
  let index = 0
  for (const event of fetched) {
    for (let newEvent = newEvents[index]; newEvent && newEvent.id >= event.id; newEvent = newEvents[++index]) if (newEvent.id !== event.id) mergedEvents.push(newEvent)
    mergedEvents.push(event)
  }
  return mergedEvents.concat(newEvents.slice(index))
}

/** splitAtNewest are the events up to one that was the newest when somebody wanted no more to come, and how many have come since. */
export function splitAtNewest(events: Event[], newest: string | undefined): { visible: Event[]; waitingCount: number } {
  const waitingCount = newest === undefined ? 0 : events.findIndex(({ id }) => id <= newest)
  if (waitingCount <= 0) return { visible: events, waitingCount: 0 } // none came, or so many that the others are no longer there
  return { visible: events.slice(waitingCount), waitingCount }
}
