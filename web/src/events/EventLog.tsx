import { Box, Button, Group, Switch } from '@mantine/core'
import { lazy, type RefObject, useEffect, useEffectEvent, useMemo, useRef, useState } from 'react'

import { LazyBoundary } from '../components/LazyBoundary'
import { EmptyState } from '../components/placeholders'
import { QueryBoundary } from '../components/QueryBoundary'
import { exportParams, hasFilters, matchParams } from '../grid/gridState'
import { GridToolbar } from '../grid/GridToolbar'
import { listUrl } from '../grid/listQuery'
import { NoMatches } from '../grid/NoMatches'
import { useGridState } from '../grid/useGridState'
import { eventsList } from '../lists/events'
import { useShortcut } from '../shell/shortcuts'
import { headerHeight } from '../theme/theme'
import classes from './EventLog.module.css'
import { EventTable } from './EventTable'
import { type EventFeed, useEventFeed } from './useEventFeed'

const EventChart = lazy(() => import('./EventChart').then((module) => ({ default: module.EventChart })))

/**
 * EventLog shows all events, newest first, and new ones as they arrive. While the user has scrolled down or paused live
 * updates, new events are only counted.
 */
export function EventLog() {
  const [state, actions] = useGridState(eventsList)
  const params = matchParams(state)
  const [isPaused, setIsPaused] = useState(false)
  const [isScrolledAway, setIsScrolledAway] = useState(false) // past the first row
  const { query, events, waitingCount } = useEventFeed(params, isPaused || isScrolledAway)
  const countedEvents = useMemo(() => events.filter(({ void_id }) => void_id === null), [events])
  const topRef = useRef<HTMLDivElement>(null)
  const listRef = useRef<HTMLDivElement>(null)
  useShortcut('p', isPaused ? 'Resume live updates' : 'Pause live updates', () => setIsPaused(!isPaused))
  useIntersection(
    topRef,
    ({ boundingClientRect }) => setIsScrolledAway(boundingClientRect.top < headerHeight),
    query.data !== undefined && events.length > 0, // events may arrive before the list
    `-${headerHeight}px`,
  )
  const showNewEvents = () => {
    setIsPaused(false)
    setIsScrolledAway(false)
    topRef.current?.scrollIntoView({ block: 'center' })
    requestAnimationFrame(() => listRef.current?.querySelector<HTMLElement>('a')?.focus({ preventScroll: true }))
  }
  return (
    <>
      <GridToolbar
        definition={eventsList}
        state={state}
        actions={actions}
        exportUrl={listUrl(eventsList.noun, exportParams(eventsList, state))}
        quickFilters={
          <Switch
            label="Pause live updates"
            checked={isPaused}
            onChange={(event) => setIsPaused(event.currentTarget.checked)}
          />
        }
        isTable={false}
      />
      <QueryBoundary query={query}>
        {() =>
          events.length === 0 && hasFilters(state) ? (
            <NoMatches icon="event" items="events" onClear={actions.clearFilters} />
          ) : events.length === 0 ? (
            <EmptyState icon="event" title="No events yet">
              New events appear here automatically.
            </EmptyState>
          ) : (
            <>
              <LazyBoundary fallback={<Box h={236} />}>
                <EventChart events={countedEvents} isSingleUser={Boolean(params.user_id)} hasMore={query.hasNextPage} />
              </LazyBoundary>
              <div ref={listRef}>
                <div ref={topRef} className={classes.topMarker} />
                <div role="status" className={classes.newEvents}>
                  {waitingCount > 0 && (
                    <Button size="compact-md" radius="xl" onClick={showNewEvents}>
                      Show {waitingCount === 1 ? '1 new event' : `${waitingCount} new events`}
                    </Button>
                  )}
                </div>
                <EventTable events={events} />
                <LoadMore query={query} count={events.length} />
              </div>
            </>
          )
        }
      </QueryBoundary>
    </>
  )
}

/** LoadMore fetches older events when the user scrolls near the end of the list. */
function LoadMore({ query, count }: { query: EventFeed['query']; count: number }) {
  const { hasNextPage, isFetching, isFetchNextPageError, fetchNextPage } = query
  const markerRef = useRef<HTMLDivElement>(null)
  const [isNear, setIsNear] = useState(false)
  useIntersection(markerRef, ({ isIntersecting }) => setIsNear(isIntersecting), true, '2000px')
  useEffect(() => {
    if (isNear && hasNextPage && !isFetching && !isFetchNextPageError) void fetchNextPage()
  }, [isNear, hasNextPage, isFetching, isFetchNextPageError, fetchNextPage])
  return (
    <Group ref={markerRef} justify="center" mt="sm" mih={40} c="dimmed" fz="sm">
      {isFetchNextPageError ? (
        <>
          <span role="alert">Older events could not be loaded.</span>
          <Button variant="default" onClick={() => void fetchNextPage()}>
            Try again
          </Button>
        </>
      ) : hasNextPage ? (
        'Loading older events…'
      ) : (
        <span role="status">{count === 1 ? '1 event' : `All ${count} events`}</span>
      )}
    </Group>
  )
}

/** useIntersection calls onIntersect when an element enters or leaves the viewport extended by a margin. */
function useIntersection(
  elementRef: RefObject<Element | null>,
  onIntersect: (entry: IntersectionObserverEntry) => void,
  isMounted: boolean,
  margin: string,
) {
  const handleEntry = useEffectEvent(onIntersect)
  useEffect(() => {
    if (!elementRef.current || !isMounted) return
    const observer = new IntersectionObserver(([entry]) => entry && handleEntry(entry), { rootMargin: `${margin} 0px` })
    observer.observe(elementRef.current)
    return () => observer.disconnect()
  }, [elementRef, isMounted, margin])
}
