import type { Event, EventFilters } from './api'

/** matches tells whether the list that was asked for by filters has an event. */
export function matches(event: Event, { user_id, type, code, from, to }: EventFilters): boolean {
  return (
    (!user_id || event.user_id === Number(user_id)) &&
    (!type || event.type === type) &&
    (!code || event.alert_codes.includes(Number(code))) &&
    (!from || event.time >= Number(from)) &&
    (!to || event.time < Number(to))
  )
}

/** merged are events that were read, the newest first, and events that arrived since, in any order: each once, the newest first. Ids ascend with time. */
export function merged(read: readonly Event[], arrived: readonly Event[]): Event[] {
  if (arrived.length === 0) return read as Event[]
  const fresh = [...new Map(arrived.map((event) => [event.id, event])).values()].sort((a, b) => (a.id < b.id ? 1 : -1))
  const all: Event[] = []
  let i = 0
  for (const event of read) {
    for (let next = fresh[i]; next && next.id >= event.id; next = fresh[++i]) if (next.id !== event.id) all.push(next)
    all.push(event)
  }
  return all.concat(fresh.slice(i))
}

/** below are the events up to one that was the newest when somebody wanted no more to come, and how many have come since. */
export function below(events: Event[], newest: string | undefined): { held: Event[]; waiting: number } {
  const waiting = newest === undefined ? 0 : events.findIndex(({ id }) => id <= newest)
  if (waiting <= 0) return { held: events, waiting: 0 } // none came, or so many that the others are no longer there
  return { held: events.slice(waiting), waiting }
}
