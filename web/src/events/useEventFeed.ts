import { useInfiniteQuery } from '@tanstack/react-query'
import { useEffect, useMemo, useRef, useState } from 'react'

import { subscribeToLive } from '../live/liveUpdates'
import { type Event, eventFeedQuery } from './api'
import { matchesFilters, mergeEvents, splitAtNewest } from './eventFeed'

const maxArrived = 5_000 // events from the stream that are kept before the list is fetched again

export type EventFeed = ReturnType<typeof useEventFeed>

/**
 * useEventFeed returns events, newest first, including those that arrive from the stream. Events from the stream are
 * kept separately, because a response that was in flight when they arrived does not contain them. Duplicates are
 * removed. While isHeld is true, new events are only counted.
 */
export function useEventFeed(filters: Record<string, string>, isHeld: boolean) {
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
      if (isSuccess) setArrived((current) => current.slice(arrived.length)) // the new response contains those events
    })
  }, [arrived, refetch])

  const { data } = query
  const filtersJson = JSON.stringify(filters) // filters is a new object on each render
  const events = useMemo(() => {
    const currentFilters = JSON.parse(filtersJson) as Record<string, string>
    return mergeEvents(
      data?.pages.flatMap(({ rows }) => rows) ?? [],
      arrived.filter((event) => matchesFilters(event, currentFilters)),
    )
  }, [data, arrived, filtersJson])
  const [newestId, setNewestId] = useState<string>() // newest event when the feed was held
  const isHolding = isHeld && newestId !== undefined
  if (isHeld && newestId === undefined && events[0]) setNewestId(events[0].id)
  if (!isHeld && newestId !== undefined) setNewestId(undefined)
  const { visible, waitingCount } = useMemo(
    () => splitAtNewest(events, isHolding ? newestId : undefined),
    [events, isHolding, newestId],
  )
  return { query, events: visible, waitingCount }
}
