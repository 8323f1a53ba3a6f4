import type { Event } from '../events/api'

const minMargin = 60 // seconds
const neighborCount = 10

/**
 * eventsAround returns the events near those that a rule counted, so that a chart shows the counted ones at a readable
 * width. events are of one user, newest first.
 */
export function eventsAround<E extends Pick<Event, 'id' | 'effective_time'>>(
  events: readonly E[],
  countedIds: ReadonlySet<string>,
): E[] {
  const times = events.filter(({ id }) => countedIds.has(id)).map(({ effective_time }) => effective_time)
  const [first, last] = [Math.min(...times), Math.max(...times)]
  const margin = Math.max(2 * (last - first), minMargin)
  const near = events.filter(({ effective_time }) => effective_time >= first - margin && effective_time <= last + margin)
  if (near.length > 1) return near
  const index = Math.max(0, events.findIndex(({ id }) => countedIds.has(id)))
  return events.slice(Math.max(0, index - neighborCount), index + neighborCount + 1)
}
