import { Box, Button, Group, Switch } from '@mantine/core'
import { lazy, type RefObject, useEffect, useEffectEvent, useRef, useState } from 'react'

import { type Filter, FilterBar, useFilters } from '../components/filters'
import { Later } from '../components/LazyBoundary'
import { Screen } from '../components/Screen'
import { Empty } from '../components/placeholders'
import { Shown } from '../components/QueryBoundary'
import { useCodes } from '../rules/api'
import { useShortcut } from '../shell/shortcuts'
import { headerHeight } from '../shell/theme'
import style from './EventsScreen.module.css'
import { EventTable } from './EventTable'
import { type Feed, useFeed } from './useEventFeed'

const EventChart = lazy(() => import('./EventChart').then((module) => ({ default: module.EventChart })))

const filters = [
  { name: 'user_id', label: 'User' },
  {
    name: 'type',
    label: 'Type',
    options: [
      { value: 'deposit', label: 'Deposit' },
      { value: 'withdraw', label: 'Withdraw' },
    ],
  },
  { name: 'code', label: 'Alert code' },
  { name: 'from', label: 'Happened from', time: true },
  { name: 'to', label: 'Happened before', time: true },
] as const satisfies Filter<string>[]

/** EventsScreen shows what arrives, as it arrives. Nothing moves while one reads further down, or has asked for a pause. */
export function EventsScreen() {
  const codes = useCodes()
  const withCodes = filters.map((filter) => (filter.name === 'code' ? { ...filter, options: codes } : filter))
  const [values, set] = useFilters(filters)
  const [paused, pause] = useState(false)
  const [away, setAway] = useState(false) // from the first row
  const { query, events, waiting } = useFeed(values, paused || away)
  const top = useRef<HTMLDivElement>(null)
  const list = useRef<HTMLDivElement>(null)
  useShortcut('p', paused ? 'Let new events come' : 'Pause new events', () => pause(!paused))
  useSight(top, ({ boundingClientRect }) => setAway(boundingClientRect.top < headerHeight), events.length > 0, `-${headerHeight}px`)
  const show = () => {
    pause(false)
    setAway(false)
    top.current?.scrollIntoView({ block: 'center' })
    requestAnimationFrame(() => list.current?.querySelector<HTMLElement>('a')?.focus({ preventScroll: true }))
  }
  return (
    <Screen title="Events" actions={<Switch label="Pause" checked={paused} onChange={(event) => pause(event.currentTarget.checked)} />}>
      <FilterBar filters={withCodes} values={values} set={set} />
      <Shown query={query}>
        {() =>
          events.length === 0 ? (
            <Empty icon="event" title={Object.keys(values).length > 0 ? 'No event matches' : 'There are no events yet'}>
              They show here by themselves as they arrive.
            </Empty>
          ) : (
            <>
              <Later fallback={<Box h={236} />}>
                <EventChart events={events} ofOne={Boolean(values.user_id)} more={query.hasNextPage} />
              </Later>
              <div ref={list}>
                <div ref={top} className={style.top} />
                <div role="status" className={style.news}>
                  {waiting > 0 && (
                    <Button size="compact-md" radius="xl" onClick={show}>
                      {waiting} new
                    </Button>
                  )}
                </div>
                <EventTable events={events} />
                <End query={query} count={events.length} />
              </div>
            </>
          )
        }
      </Shown>
    </Screen>
  )
}

/** End fetches older events when one comes near the end of those that there are. */
function End({ query, count }: { query: Feed['query']; count: number }) {
  const { hasNextPage, isFetching, isFetchNextPageError, fetchNextPage } = query
  const mark = useRef<HTMLDivElement>(null)
  const [near, setNear] = useState(false)
  useSight(mark, ({ isIntersecting }) => setNear(isIntersecting), true, '2000px')
  useEffect(() => {
    if (near && hasNextPage && !isFetching && !isFetchNextPageError) void fetchNextPage()
  }, [near, hasNextPage, isFetching, isFetchNextPageError, fetchNextPage])
  return (
    <Group ref={mark} justify="center" mt="sm" mih={40} c="dimmed" fz="sm">
      {isFetchNextPageError ? (
        <Button variant="default" onClick={() => void fetchNextPage()}>
          Older events could not be read. Try again
        </Button>
      ) : hasNextPage ? (
        'Older events are being read…'
      ) : (
        <span role="status">{count === 1 ? 'One event' : `All ${count} events`}</span>
      )}
    </Group>
  )
}

/** useSight tells when an element comes into sight, or that near to it, and when it goes. */
function useSight(of: RefObject<Element | null>, tell: (entry: IntersectionObserverEntry) => void, there: boolean, margin: string) {
  const seen = useEffectEvent(tell)
  useEffect(() => {
    if (!of.current || !there) return
    const watch = new IntersectionObserver(([entry]) => entry && seen(entry), { rootMargin: `${margin} 0px` })
    watch.observe(of.current)
    return () => watch.disconnect()
  }, [of, there, margin])
}
