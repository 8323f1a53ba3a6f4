// Days are those of whoever looks.

/** dayOf is a day as the API writes it. */
export function dayOf(date: Date): string {
  return `${date.getFullYear()}-${String(date.getMonth() + 1).padStart(2, '0')}-${String(date.getDate()).padStart(2, '0')}`
}

const within = new Map([['late', 0], ['today', 1], ['week', 7]])

/** dueBefore is the day that a filter of the address means; undefined for one that there is not. */
export function dueBefore(due: string | undefined, now = new Date()): string | undefined {
  const days = within.get(due ?? '')
  return days === undefined ? undefined : dayOf(new Date(now.getFullYear(), now.getMonth(), now.getDate() + days))
}

/** late tells whether something that is not done should have been. */
export function late({ due_on, status }: { due_on: string | null; status: string }, now = new Date()): boolean {
  return due_on !== null && status !== 'done' && due_on < dayOf(now)
}
