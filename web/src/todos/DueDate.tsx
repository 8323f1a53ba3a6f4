import { Text } from '@mantine/core'

import type { Todo } from './api'
import { late } from './dueDates'

const day = new Intl.DateTimeFormat(undefined, { dateStyle: 'medium', timeZone: 'UTC' })

/** Due tells the day by which something is to be done, and whether that is over. */
export function Due({ todo }: { todo: Todo }) {
  if (todo.due_on === null) return '–'
  const date = new Date(`${todo.due_on}T00:00:00Z`)
  const text = Number.isNaN(date.getTime()) ? todo.due_on : day.format(date)
  return late(todo) ? (
    <Text span inherit c="var(--mantine-color-error)" fw={600}>
      {text}, late
    </Text>
  ) : (
    <time dateTime={todo.due_on}>{text}</time>
  )
}
