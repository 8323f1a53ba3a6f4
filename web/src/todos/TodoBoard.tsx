import { Text, Title, VisuallyHidden } from '@mantine/core'
import { type KeyboardEvent, useEffect, useRef, useState } from 'react'

import { statuses, type Todo } from './api'
import style from './TodoBoard.module.css'
import { Card } from './TodoCard'
import { beside, columnOf, other } from './boardColumns'
import { useMove } from './useMoveTodo'

/** Board shows todos in columns by their status. On a card, ← and → move it, ↑ and ↓ go to the next one; so does its list of statuses. */
export function Board({ todos }: { todos: Todo[] }) {
  const { mutate } = useMove()
  const frame = useRef<HTMLDivElement>(null)
  const moved = useRef<{ id: number; tag: string; column: string }>(undefined) // which takes the focus along, also when it is taken back
  const [said, say] = useState('')
  useEffect(() => {
    const kept = moved.current
    const todo = todos.find(({ id }) => id === kept?.id)
    if (!kept || !todo || columnOf(todo) === kept.column) return
    kept.column = columnOf(todo)
    if (document.activeElement === document.body) frame.current?.querySelector<HTMLElement>(`[data-todo="${kept.id}"] ${kept.tag}`)?.focus()
  }, [todos])
  const move = (todo: Todo, status: string, tag: string) => {
    moved.current = { id: todo.id, tag, column: columnOf(todo) }
    say(`${todo.description}: ${status}`)
    mutate({ todo, status })
  }
  const press = (event: KeyboardEvent, todo: Todo) => {
    if (event.altKey || event.ctrlKey || event.metaKey || event.shiftKey || !(event.target instanceof HTMLAnchorElement)) return
    const step = { ArrowLeft: -1, ArrowRight: 1 }[event.key] as -1 | 1 | undefined
    if (step) {
      event.preventDefault()
      const status = beside(todo, step)
      if (status) move(todo, status, 'a')
      return
    }
    const next = { ArrowDown: 'nextElementSibling', ArrowUp: 'previousElementSibling' }[event.key] as 'nextElementSibling' | undefined
    const link = next && event.target.closest('li')?.[next]?.querySelector('a')
    if (!link) return
    event.preventDefault()
    link.focus()
  }
  const columns = [...statuses, other].map((name) => ({ name, cards: todos.filter((todo) => columnOf(todo) === name) }))
  return (
    <div>
      <Text size="sm" c="dimmed" mb="xs">
        On a card, ← and → move it; ↑ and ↓ go to the next.
      </Text>
      <div ref={frame} className={style.board}>
        {columns
          .filter(({ name, cards }) => name !== other || cards.length > 0)
          .map(({ name, cards }) => (
            <section key={name} aria-labelledby={`column-${name}`} className={style.column}>
              <Title order={2} size="h3" id={`column-${name}`}>
                {name} ({cards.length})
              </Title>
              {cards.length === 0 ? (
                <Text size="sm" c="dimmed">
                  None
                </Text>
              ) : (
                <ul className={style.cards}>
                  {cards.map((todo) => (
                    <Card key={todo.id} todo={todo} move={(status) => move(todo, status, 'select')} press={(event) => press(event, todo)} />
                  ))}
                </ul>
              )}
            </section>
          ))}
      </div>
      <VisuallyHidden role="status">{said}</VisuallyHidden>
    </div>
  )
}
