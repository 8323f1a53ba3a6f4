import { useSyncExternalStore } from 'react'

const units: [Intl.RelativeTimeFormatUnit, number][] = [
  ['year', 31_557_600],
  ['month', 2_629_800],
  ['day', 86_400],
  ['hour', 3_600],
  ['minute', 60],
]

const relative = new Intl.RelativeTimeFormat('en', { numeric: 'auto' })
const absolute = new Intl.DateTimeFormat(undefined, { dateStyle: 'medium', timeStyle: 'medium' })

/** ago tells a time as one would: "3 minutes ago". */
export function ago(at: Date, now: number): string {
  const seconds = Math.round((at.getTime() - now) / 1000)
  for (const [unit, length] of units) if (Math.abs(seconds) >= length) return relative.format(Math.trunc(seconds / length), unit)
  return 'just now'
}

// One clock for all of them. It ticks only while somebody looks, but does not stand still meanwhile.
const tick = 30_000 // ms
let now = Date.now()
const watchers = new Set<() => void>()
let ticking: ReturnType<typeof setInterval> | undefined

/** clock is now, give or take a tick: the same for all that is shown together. */
export function clock(): number {
  if (Math.abs(Date.now() - now) >= tick) now = Date.now()
  return now
}

function watch(changed: () => void) {
  watchers.add(changed)
  ticking ??= setInterval(() => {
    for (const tell of watchers) tell()
  }, tick)
  return () => {
    watchers.delete(changed)
    if (watchers.size > 0) return
    clearInterval(ticking)
    ticking = undefined
  }
}

/** TimeAgo shows how long ago something was; the exact time is its title. It takes RFC 3339 text, or seconds since 1970. */
export function TimeAgo({ at }: { at: string | number }) {
  const date = new Date(typeof at === 'number' ? at * 1000 : at)
  const current = useSyncExternalStore(watch, clock)
  if (Number.isNaN(date.getTime())) return <span>{at}</span> // events may be at any second up to 2^53
  return (
    <time dateTime={date.toISOString()} title={absolute.format(date)}>
      {ago(date, current)}
    </time>
  )
}
