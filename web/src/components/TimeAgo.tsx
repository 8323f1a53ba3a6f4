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

/** formatTimeAgo tells a time as one would: "3 minutes ago". */
export function formatTimeAgo(at: Date, now: number): string {
  const seconds = Math.round((at.getTime() - now) / 1000)
  for (const [unit, length] of timeUnits) if (Math.abs(seconds) >= length) return relativeFormat.format(Math.trunc(seconds / length), unit)
  return 'just now'
}

// One clock for all of them. It ticks only while somebody looks, but does not stand still meanwhile.
const tickInterval = 30_000 // ms
let now = Date.now()
const subscribers = new Set<() => void>()
let timer: ReturnType<typeof setInterval> | undefined

/** currentTime is now, give or take a tick: the same for all that is shown together. */
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

/** TimeAgo shows how long ago something was; the exact time is its title. It takes RFC 3339 text, or seconds since 1970. */
export function TimeAgo({ at }: { at: string | number }) {
  const date = new Date(typeof at === 'number' ? at * 1000 : at)
  const current = useSyncExternalStore(subscribe, currentTime)
  if (Number.isNaN(date.getTime())) return <span>{at}</span> // events may be at any second up to 2^53
  return (
    <time dateTime={date.toISOString()} title={absoluteFormat.format(date)}>
      {formatTimeAgo(date, current)}
    </time>
  )
}
