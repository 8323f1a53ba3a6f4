// Days are in the time zone of the browser.

/** toIsoDay formats a day as the API expects it: 2026-11-28. */
function toIsoDay(date: Date): string {
  const pad = (value: number) => String(value).padStart(2, '0')
  return `${date.getFullYear()}-${pad(date.getMonth() + 1)}-${pad(date.getDate())}`
}

/** localDate returns today, or the day some days later, as the API expects it. */
export const localDate = (daysLater = 0, now = new Date()): string =>
  toIsoDay(new Date(now.getFullYear(), now.getMonth(), now.getDate() + daysLater))

/** isOverdue reports whether a todo is past its due date and not done. */
export function isOverdue({ due_on, status }: { due_on: string | null; status: string }, now = new Date()): boolean {
  return due_on !== null && status !== 'done' && due_on < toIsoDay(now)
}
