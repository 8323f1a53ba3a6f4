import { useInfiniteQuery } from '@tanstack/react-query'
import { useEffect, useMemo, useRef, useState } from 'react'

import { onLive } from '../live/liveUpdates'
import { type Event, type EventFilters, feedQuery } from './api'
import { below, matches, merged } from './eventFeed'

const mostArrived = 5_000 // events that are kept beside those that were read, before all is read anew

export type Feed = ReturnType<typeof useFeed>

/**
 * useFeed are events, the newest first, and those that arrive while one looks. What arrives is kept beside what was read: an answer that was under way
 * knows nothing of it. An event may be in both; it is shown once. While held, new ones only wait.
 */
export function useFeed(filters: EventFilters, hold: boolean) {
  const query = useInfiniteQuery(feedQuery(filters))
  const [arrived, setArrived] = useState<Event[]>([])
  const { refetch } = query
  useEffect(
    () =>
      onLive((messages) => {
        const fresh = messages.flatMap((message) => (message.kind === 'event' ? [message.row] : []))
        if (fresh.length > 0) setArrived((known) => [...known, ...fresh])
      }),
    [],
  )
  const reading = useRef(false)
  useEffect(() => {
    if (arrived.length <= mostArrived || reading.current) return
    reading.current = true
    void refetch().then(({ isSuccess }) => {
      reading.current = false
      if (isSuccess) setArrived((known) => known.slice(arrived.length)) // the server had those already
    })
  }, [arrived, refetch])

  const { data } = query
  const asked = JSON.stringify(filters) // a new object each time
  const events = useMemo(() => {
    const wanted = JSON.parse(asked) as EventFilters
    return merged(data?.pages.flatMap(({ rows }) => rows) ?? [], arrived.filter((event) => matches(event, wanted)))
  }, [data, arrived, asked])
  const [newest, setNewest] = useState<string>() // when one began to hold
  const holding = hold && newest !== undefined
  if (hold && newest === undefined && events[0]) setNewest(events[0].id)
  if (!hold && newest !== undefined) setNewest(undefined)
  const { held, waiting } = useMemo(() => below(events, holding ? newest : undefined), [events, holding, newest])
  return { query, events: held, waiting }
}
