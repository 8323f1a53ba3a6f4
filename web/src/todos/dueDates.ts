// Days are those of whoever looks.

/** toIsoDay is a day as the API writes it. */
export function toIsoDay(date: Date): string {
  return `${date.getFullYear()}-${String(date.getMonth() + 1).padStart(2, '0')}-${String(date.getDate()).padStart(2, '0')}`
}

const dueDays = new Map([['late', 0], ['today', 1], ['week', 7]])

/** dueBefore is the day that a filter of the address means; undefined for one that there is not. */
export function dueBefore(due: string | undefined, now = new Date()): string | undefined {
  const days = dueDays.get(due ?? '')
  return days === undefined ? undefined : toIsoDay(new Date(now.getFullYear(), now.getMonth(), now.getDate() + days))
}

/** isOverdue tells whether something that is not done should have been. */
export function isOverdue({ due_on, status }: { due_on: string | null; status: string }, now = new Date()): boolean {
  return due_on !== null && status !== 'done' && due_on < toIsoDay(now)
}
