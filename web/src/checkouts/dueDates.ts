// Days are in the time zone of the browser, and written as in the API: 2026-11-28.

const pad = (value: number) => String(value).padStart(2, '0')

const toDay = (date: Date): string => `${date.getFullYear()}-${pad(date.getMonth() + 1)}-${pad(date.getDate())}`

/** addMonth returns the same day of the next month, or its last day if it is shorter. */
function addMonth(date: Date): Date {
  const lastDay = new Date(date.getFullYear(), date.getMonth() + 2, 0)
  const sameDay = new Date(date.getFullYear(), date.getMonth() + 1, date.getDate())
  return sameDay > lastDay ? lastDay : sameDay
}

/** dueChoices returns the due dates that users need often. */
export const dueChoices = (now: Date): { label: string; day: string }[] => [
  { label: 'Today', day: toDay(now) },
  { label: '1 week', day: toDay(new Date(now.getFullYear(), now.getMonth(), now.getDate() + 7)) },
  { label: '1 month', day: toDay(addMonth(now)) },
]

/** daysUntil returns the days from today to a day, negative if it is past. */
export function daysUntil(day: string, now = new Date()): number {
  const today = Date.UTC(now.getFullYear(), now.getMonth(), now.getDate())
  return Math.round((Date.parse(`${day}T00:00:00Z`) - today) / 86_400_000)
}

const count = (days: number) => (days === 1 ? '1 day' : `${days.toLocaleString('en')} days`)

/** describeDue returns a due date relative to today: "3 days overdue", "today" or "in 2 days". */
export function describeDue(day: string, now = new Date()): string {
  const days = daysUntil(day, now)
  if (days < 0) return `${count(-days)} overdue`
  if (days === 0) return 'today'
  return days === 1 ? 'tomorrow' : `in ${count(days)}`
}
