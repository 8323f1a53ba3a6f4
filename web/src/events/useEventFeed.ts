import { useInfiniteQuery } from '@tanstack/react-query'
import { useEffect, useMemo, useRef, useState } from 'react'

import { subscribeToLive } from '../live/liveUpdates'
import { type Event, eventFeedQuery, type EventFilters } from './api'
import { matchesFilters, mergeEvents, splitAtNewest } from './eventFeed'

const maxArrived = 5_000 // events that are kept beside those that were read, before all is read anew

export type EventFeed = ReturnType<typeof useEventFeed>

/**
 * useEventFeed are events, the newest first, and those that arrive while one looks. What arrives is kept beside what was read: an answer that was under way
 * knows nothing of it. An event may be in both; it is shown once. While held, new ones only wait.
 */
export function useEventFeed(filters: EventFilters, isHeld: boolean) {
  const query = useInfiniteQuery(eventFeedQuery(filters))
  const [arrived, setArrived] = useState<Event[]>([])
  const { refetch } = query
  useEffect(
    () =>
      subscribeToLive((messages) => {
        const newEvents = messages.flatMap((message) => (message.kind === 'event' ? [message.row] : []))
        if (newEvents.length > 0) setArrived((current) => [...current, ...newEvents])
      }),
    [],
  )
  const isRefetching = useRef(false)
  useEffect(() => {
    if (arrived.length <= maxArrived || isRefetching.current) return
    isRefetching.current = true
    void refetch().then(({ isSuccess }) => {
      isRefetching.current = false
      if (isSuccess) setArrived((current) => current.slice(arrived.length)) // the server had those already
    })
  }, [arrived, refetch])

  const { data } = query
  const filtersJson = JSON.stringify(filters) // a new object each time
  const events = useMemo(() => {
    const currentFilters = JSON.parse(filtersJson) as EventFilters
    return mergeEvents(data?.pages.flatMap(({ rows }) => rows) ?? [], arrived.filter((event) => matchesFilters(event, currentFilters)))
  }, [data, arrived, filtersJson])
  const [newestId, setNewestId] = useState<string>() // when one began to hold
  const isHolding = isHeld && newestId !== undefined
  if (isHeld && newestId === undefined && events[0]) setNewestId(events[0].id)
  if (!isHeld && newestId !== undefined) setNewestId(undefined)
  const { visible, waitingCount } = useMemo(() => splitAtNewest(events, isHolding ? newestId : undefined), [events, isHolding, newestId])
  return { query, events: visible, waitingCount }
}
