import { Text } from '@mantine/core'

import type { Todo } from './api'
import { isOverdue } from './dueDates'

const dayFormat = new Intl.DateTimeFormat(undefined, { dateStyle: 'medium', timeZone: 'UTC' })

/** DueDate shows the due date of a todo and whether the todo is overdue. */
export function DueDate({ todo }: { todo: Todo }) {
  if (todo.due_on === null) return '–'
  const date = new Date(`${todo.due_on}T00:00:00Z`)
  const text = Number.isNaN(date.getTime()) ? todo.due_on : dayFormat.format(date)
  return isOverdue(todo) ? (
    <Text span inherit c="var(--mantine-color-error)" fw={600}>
      {text} (overdue)
    </Text>
  ) : (
    <time dateTime={todo.due_on}>{text}</time>
  )
}
