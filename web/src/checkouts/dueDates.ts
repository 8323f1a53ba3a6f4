import { daysUntil, localDay } from '../components/localDay'

/** dueChoices returns the due dates that users need often. */
export const dueChoices = (now: Date): { label: string; day: string }[] => [
  { label: 'Today', day: localDay({}, now) },
  { label: '1 week', day: localDay({ days: 7 }, now) },
  { label: '1 month', day: localDay({ months: 1 }, now) },
]

const count = (days: number) => (days === 1 ? '1 day' : `${days.toLocaleString('en')} days`)

/** describeDue returns a due date relative to today: "3 days overdue", "today" or "in 2 days". */
export function describeDue(day: string, now = new Date()): string {
  const days = daysUntil(day, now)
  if (days < 0) return `${count(-days)} overdue`
  if (days === 0) return 'today'
  return days === 1 ? 'tomorrow' : `in ${count(days)}`
}
