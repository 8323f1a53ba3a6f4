import { NativeSelect, Text } from '@mantine/core'
import type { KeyboardEvent } from 'react'

import { TextLink } from '../components/links'
import { About, isAbout } from './LinkedItems'
import { statuses, type Todo } from './api'
import style from './TodoBoard.module.css'
import { Due } from './DueDate'
import { useMine } from './useCanEditTodo'

interface Props {
  todo: Todo
  move: (status: string) => void
  press: (event: KeyboardEvent) => void
}

/** Card is a todo on the board. */
export function Card({ todo, move, press }: Props) {
  const mine = useMine()(todo)
  const known = statuses.includes(todo.status) ? statuses : [todo.status, ...statuses]
  return (
    // oxlint-disable-next-line jsx-a11y/no-noninteractive-element-interactions -- the keys are those of the link in it
    <li data-todo={todo.id} className={style.card} onKeyDown={press}>
      <TextLink to="/todos/$id" params={{ id: String(todo.id) }}>
        {todo.description}
      </TextLink>
      <Text size="sm" component="div">
        {todo.assignee ?? 'Nobody yet'}
        {todo.due_on !== null && (
          <>
            , due <Due todo={todo} />
          </>
        )}
      </Text>
      {isAbout(todo) && (
        <Text size="sm" component="div">
          <About todo={todo} />
        </Text>
      )}
      {mine ? (
        <NativeSelect size="xs" aria-label={`Status of ${todo.description}`} data={known} value={todo.status} onChange={(event) => move(event.currentTarget.value)} />
      ) : (
        <Text size="xs" c="dimmed">
          {todo.status}. {todo.owner}’s: only its owner, its assignee and admins may change it.
        </Text>
      )}
    </li>
  )
}
