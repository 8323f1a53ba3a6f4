import { Text, Title, VisuallyHidden } from '@mantine/core'
import { type KeyboardEvent, useEffect, useRef, useState } from 'react'

import { statuses, type Todo } from './api'
import { adjacentStatus, boardColumn, otherColumn } from './boardColumns'
import classes from './TodoBoard.module.css'
import { TodoCard } from './TodoCard'
import { useMoveTodo } from './useMoveTodo'

/**
 * TodoBoard shows todos in columns by status. On a card, Shift with ← or → changes the status, ↑ and ↓ move the focus.
 * The buttons of a card change the status as well.
 */
export function TodoBoard({ todos }: { todos: Todo[] }) {
  const { mutate } = useMoveTodo()
  const boardRef = useRef<HTMLDivElement>(null)
  // The card that keeps the focus when it changes its column, also after a rollback.
  const movedCard = useRef<{ id: number; tag: string; column: string }>(undefined)
  const [announcement, setAnnouncement] = useState('')
  useEffect(() => {
    const card = movedCard.current
    const todo = todos.find(({ id }) => id === card?.id)
    if (!card || !todo || boardColumn(todo) === card.column) return
    card.column = boardColumn(todo)
    if (document.activeElement === document.body)
      boardRef.current?.querySelector<HTMLElement>(`[data-todo="${card.id}"] ${card.tag}`)?.focus()
  }, [todos])
  const move = (todo: Todo, status: string, tag: string) => {
    movedCard.current = { id: todo.id, tag, column: boardColumn(todo) }
    setAnnouncement(`Moved “${todo.description}” to ${status}`)
    mutate({ todo, status })
  }
  const handleKeyDown = (event: KeyboardEvent, todo: Todo) => {
    if (
      event.altKey ||
      event.ctrlKey ||
      event.metaKey ||
      !(event.target instanceof HTMLAnchorElement)
    )
      return
    const step = { ArrowLeft: -1, ArrowRight: 1 }[event.key] as -1 | 1 | undefined
    if (step && event.shiftKey) {
      event.preventDefault()
      const status = adjacentStatus(todo, step)
      if (status) move(todo, status, 'a')
      return
    }
    const next = { ArrowDown: 'nextElementSibling', ArrowUp: 'previousElementSibling' }[event.key] as
      'nextElementSibling' | undefined
    const link = next && event.target.closest('li')?.[next]?.querySelector('a')
    if (!link) return
    event.preventDefault()
    link.focus()
  }
  const columns = [...statuses, otherColumn].map((name) => ({
    name,
    todosInColumn: todos.filter((todo) => boardColumn(todo) === name),
  }))
  return (
    <div>
      <Text size="sm" c="dimmed" mb="xs">
        On a card, press Shift+← or Shift+→ to move the card, ↑ or ↓ to select another.
      </Text>
      <div ref={boardRef} className={classes.board}>
        {columns
          .filter(({ name, todosInColumn }) => name !== otherColumn || todosInColumn.length > 0)
          .map(({ name, todosInColumn }) => (
            <section key={name} aria-labelledby={`column-${name}`} className={classes.column}>
              <Title order={2} size="h3" id={`column-${name}`}>
                {name} ({todosInColumn.length})
              </Title>
              {todosInColumn.length === 0 ? (
                <Text size="sm" c="dimmed">
                  No todos
                </Text>
              ) : (
                <ul className={classes.cards}>
                  {todosInColumn.map((todo) => (
                    <TodoCard
                      key={todo.id}
                      todo={todo}
                      onMove={(status) => move(todo, status, 'button')}
                      onKeyDown={(event) => handleKeyDown(event, todo)}
                    />
                  ))}
                </ul>
              )}
            </section>
          ))}
      </div>
      <VisuallyHidden role="status">{announcement}</VisuallyHidden>
    </div>
  )
}
