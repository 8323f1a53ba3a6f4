import type { Event } from './api'

/** matchesFilters reports whether an event matches the parameters of a filter, with the same semantics as the API. */
export function matchesFilters(event: Event, params: Record<string, string>): boolean {
  return Object.entries(params).every(([param, expected]) => {
    const [field = '', operator = 'is'] = param.split('__')
    const value = event[field as keyof Event]
    if (operator === 'empty') return (value === null) === (expected === 'true')
    if (Array.isArray(value)) return value.includes(Number(expected))
    const order = compare(value as string | number, expected)
    switch (operator) {
      case 'is':
        return order === 0
      case 'not':
        return order !== 0
      case 'in':
        return expected.split(',').includes(String(value))
      case 'gt':
        return order > 0
      case 'gte':
        return order >= 0
      case 'lt':
        return order < 0
      case 'lte':
        return order <= 0
      default:
        return false
    }
  })
}

/** compare compares a value with a text of the URL: as numbers, as times, or as texts. */
function compare(value: string | number, text: string): number {
  for (const parse of [Number, Date.parse]) {
    const difference = parse(String(value)) - parse(text)
    if (!Number.isNaN(difference)) return difference
  }
  return String(value).localeCompare(text)
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
