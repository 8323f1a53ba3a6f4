import { Button, Group, Text } from '@mantine/core'
import type { KeyboardEvent } from 'react'

import { TextLink } from '../components/links'
import { statuses, type Todo } from './api'
import { DueDate } from './DueDate'
import { hasLinkedItems, LinkedItems } from './LinkedItems'
import classes from './TodoBoard.module.css'
import { useCanEditTodo } from './useCanEditTodo'

interface Props {
  todo: Todo
  onMove: (status: string) => void
  onKeyDown: (event: KeyboardEvent) => void
}

/** TodoCard shows a todo on the board. */
export function TodoCard({ todo, onMove, onKeyDown }: Props) {
  const canEdit = useCanEditTodo()(todo)
  return (
    // oxlint-disable-next-line jsx-a11y/no-noninteractive-element-interactions -- handles the keys of the link inside
    <li data-todo={todo.id} className={classes.card} onKeyDown={onKeyDown}>
      <TextLink to="/todos/$id" params={{ id: String(todo.id) }}>
        {todo.description}
      </TextLink>
      <Text size="sm" component="div">
        {todo.assignee ?? 'Unassigned'}
        {todo.due_on !== null && (
          <>
            , due <DueDate todo={todo} />
          </>
        )}
      </Text>
      {hasLinkedItems(todo) && (
        <Text size="sm" component="div">
          <LinkedItems todo={todo} />
        </Text>
      )}
      {canEdit ? (
        <Group gap={4}>
          {!statuses.includes(todo.status) && <Text size="xs">Status: {todo.status}</Text>}
          {statuses
            .filter((status) => status !== todo.status)
            .map((status) => (
              <Button
                key={status}
                size="compact-sm"
                variant="default"
                aria-label={`Move to ${status}: ${todo.description}`}
                onClick={() => onMove(status)}
              >
                Move to {status}
              </Button>
            ))}
        </Group>
      ) : (
        <Text size="xs" c="dimmed">
          Status: {todo.status}. Only the owner ({todo.owner}), the assignee or an admin can edit this todo.
        </Text>
      )}
    </li>
  )
}
