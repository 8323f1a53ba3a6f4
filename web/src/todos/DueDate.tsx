import type { Todo } from './api'

const dayFormat = new Intl.DateTimeFormat(undefined, { day: 'numeric', month: 'short', timeZone: 'UTC' })
const dayAndYearFormat = new Intl.DateTimeFormat(undefined, { dateStyle: 'medium', timeZone: 'UTC' })

/** formatDay formats a day such as 2026-11-28. It leaves out the current year. */
function formatDay(day: string): string {
  const date = new Date(`${day}T00:00:00Z`)
  if (Number.isNaN(date.getTime())) return day
  return (date.getUTCFullYear() === new Date().getFullYear() ? dayFormat : dayAndYearFormat).format(date)
}

/** DueDate shows the day when a todo is due. */
export function DueDate({ todo: { due_on } }: { todo: Pick<Todo, 'due_on'> }) {
  return due_on && <time dateTime={due_on}>{formatDay(due_on)}</time>
}
