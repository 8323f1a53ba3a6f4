import { Day } from '../components/Day'
import { localDay } from '../components/localDay'
import { StatusBadge } from '../components/StatusBadge'
import type { Todo } from './api'
import { isOverdue } from './isOverdue'

/** DueChip shows when a todo is due, in the colour of its urgency. */
export function DueChip({ todo }: { todo: Pick<Todo, 'due_on' | 'status'> }) {
  if (todo.due_on === null) return null
  const tone = isOverdue(todo) ? 'critical' : todo.due_on === localDay() && todo.status !== 'done' ? 'warning' : 'inactive'
  return (
    <StatusBadge tone={tone}>
      {tone === 'critical' && 'Overdue since '}
      {tone === 'warning' && 'Today, '}
      <Day day={todo.due_on} />
    </StatusBadge>
  )
}
