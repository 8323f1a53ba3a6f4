import { Day } from '../components/Day'
import { daysUntil } from '../components/localDay'
import { StatusBadge } from '../components/StatusBadge'
import type { Checkout } from './api'
import { describeDue } from './dueDates'

/** DueBack shows when a container is to be returned, in the colour of its urgency. */
export function DueBack({ checkout: { due_on, returned_at } }: { checkout: Pick<Checkout, 'due_on' | 'returned_at'> }) {
  if (due_on === null) return null
  if (returned_at !== null) return <Day day={due_on} />
  const days = daysUntil(due_on)
  return (
    <StatusBadge tone={days < 0 ? 'critical' : days === 0 ? 'warning' : 'inactive'}>
      <Day day={due_on} />, {describeDue(due_on)}
    </StatusBadge>
  )
}
