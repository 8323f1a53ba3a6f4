import { useSyncExternalStore } from 'react'

const timeUnits: [Intl.RelativeTimeFormatUnit, number][] = [
  ['year', 31_557_600],
  ['month', 2_629_800],
  ['day', 86_400],
  ['hour', 3_600],
  ['minute', 60],
]

const relativeFormat = new Intl.RelativeTimeFormat('en', { numeric: 'auto' })
const absoluteFormat = new Intl.DateTimeFormat(undefined, { dateStyle: 'medium', timeStyle: 'medium' })

/** formatTimeAgo formats a time relative to now: "3 minutes ago". */
export function formatTimeAgo(at: Date, now: number): string {
  const seconds = Math.round((at.getTime() - now) / 1000)
  for (const [unit, length] of timeUnits)
    if (Math.abs(seconds) >= length) return relativeFormat.format(Math.trunc(seconds / length), unit)
  return 'just now'
}

// One clock for all components. Its timer runs only while there are subscribers.
const tickInterval = 30_000 // ms
let now = Date.now()
const subscribers = new Set<() => void>()
let timer: ReturnType<typeof setInterval> | undefined

/** currentTime returns the time in ms, updated at most every tickInterval, so that components agree. */
export function currentTime(): number {
  if (Math.abs(Date.now() - now) >= tickInterval) now = Date.now()
  return now
}

function subscribe(onTick: () => void) {
  subscribers.add(onTick)
  timer ??= setInterval(() => {
    for (const notify of subscribers) notify()
  }, tickInterval)
  return () => {
    subscribers.delete(onTick)
    if (subscribers.size > 0) return
    clearInterval(timer)
    timer = undefined
  }
}

/** Time is an RFC 3339 string or Unix seconds. */
type Time = string | number

const parseTime = (at: Time): Date => new Date(typeof at === 'number' ? at * 1000 : at)

/** TimeAgo shows a relative time with the absolute time as its title. */
export function TimeAgo({ at }: { at: Time }) {
  const date = parseTime(at)
  const current = useSyncExternalStore(subscribe, currentTime)
  if (Number.isNaN(date.getTime())) return <span>{at}</span> // event times may exceed the range of Date
  return (
    <time dateTime={date.toISOString()} title={absoluteFormat.format(date)}>
      {formatTimeAgo(date, current)}
    </time>
  )
}

/** formatAbsoluteTime formats a time as AbsoluteTime does. */
export const formatAbsoluteTime = (at: Time): string => absoluteFormat.format(parseTime(at))

/** AbsoluteTime shows a time for records that must be exact, with the relative time as its title. */
export function AbsoluteTime({ at }: { at: Time }) {
  const date = parseTime(at)
  const current = useSyncExternalStore(subscribe, currentTime)
  if (Number.isNaN(date.getTime())) return <span>{at}</span>
  return (
    <time dateTime={date.toISOString()} title={formatTimeAgo(date, current)}>
      {absoluteFormat.format(date)}
    </time>
  )
}
