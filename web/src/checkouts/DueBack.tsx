import { StatusBadge } from '../components/StatusBadge'
import { DueDate } from '../todos/DueDate'
import type { Checkout } from './api'
import { daysUntil, describeDue } from './dueDates'

/** DueBack shows when a container is to be returned, in the colour of its urgency. */
export function DueBack({ checkout: { due_on, returned_at } }: { checkout: Pick<Checkout, 'due_on' | 'returned_at'> }) {
  if (due_on === null) return null
  if (returned_at !== null) return <DueDate todo={{ due_on }} />
  const days = daysUntil(due_on)
  return (
    <StatusBadge tone={days < 0 ? 'critical' : days === 0 ? 'warning' : 'inactive'}>
      <DueDate todo={{ due_on }} />, {describeDue(due_on)}
    </StatusBadge>
  )
}
