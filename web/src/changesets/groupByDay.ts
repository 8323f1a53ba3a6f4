import { localDay } from '../components/localDay'

const headingFormat = new Intl.DateTimeFormat(undefined, { weekday: 'long', day: 'numeric', month: 'long', year: 'numeric' })

export interface DayGroup<T> {
  /** The day in the time zone of the browser: 2026-11-28. */
  day: string
  rows: T[]
}

/** groupByDay groups rows, which are in the order of time, by the day in the time zone of the browser. */
export function groupByDay<T extends { at: string }>(rows: readonly T[]): DayGroup<T>[] {
  const groups: DayGroup<T>[] = []
  for (const row of rows) {
    const day = localDay({}, new Date(row.at))
    const last = groups.at(-1)
    if (last?.day === day) last.rows.push(row)
    else groups.push({ day, rows: [row] })
  }
  return groups
}

/** formatDayHeading returns the heading of a day: "Today, Monday 30 November 2026". */
export function formatDayHeading(day: string, now = new Date()): string {
  const text = headingFormat.format(new Date(`${day}T12:00:00`))
  if (day === localDay({}, now)) return `Today, ${text}`
  if (day === localDay({ days: -1 }, now)) return `Yesterday, ${text}`
  return text
}
