import { dropTargetForElements } from '@atlaskit/pragmatic-drag-and-drop/element/adapter'
import { Title, VisuallyHidden } from '@mantine/core'
import { type KeyboardEvent, type ReactNode, useEffect, useEffectEvent, useRef, useState } from 'react'

import { TextLink } from '../components/links'
import { useShortcut } from '../shell/shortcuts'
import { statuses, statusLabel, type Todo } from './api'
import { adjacentStatus, boardColumn, newestDone, otherColumn } from './boardColumns'
import classes from './TodoBoard.module.css'
import { TodoCard } from './TodoCard'
import { useMoveTodo } from './useMoveTodo'

/**
 * TodoBoard shows todos in columns by status. On a card, Shift with ← or → changes the status, ↑ and ↓ move the focus.
 * The menu of a card changes the status as well.
 */
export function TodoBoard({ todos }: { todos: Todo[] }) {
  const { mutate } = useMoveTodo()
  const [movedIds, setMovedIds] = useState<ReadonlySet<number>>(new Set())
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
    setAnnouncement(`Moved “${todo.description}” to ${statusLabel(status)}`)
    setMovedIds(new Set([...movedIds, todo.id]))
    mutate({ todo, status })
  }
  // Listed in the help; the cards handle these keys.
  useShortcut('Shift+←', 'Move the focused todo to the column on the left', () => {})
  useShortcut('Shift+→', 'Move the focused todo to the column on the right', () => {})
  const handleKeyDown = (event: KeyboardEvent, todo: Todo) => {
    if (event.altKey || event.ctrlKey || event.metaKey || !(event.target instanceof HTMLAnchorElement)) return
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
      <div ref={boardRef} className={classes.board}>
        {columns
          .filter(({ name, todosInColumn }) => name !== otherColumn || todosInColumn.length > 0)
          .map(({ name, todosInColumn }) => (
            <BoardColumn
              key={name}
              name={name}
              count={todosInColumn.length}
              onDrop={(todo) => {
                if (todo.status !== name) move(todo, name, 'a')
              }}
            >
              <ul className={classes.cards}>
                {(name === 'done' ? newestDone(todosInColumn, movedIds) : todosInColumn).map((todo) => (
                  <TodoCard
                    key={todo.id}
                    todo={todo}
                    onMove={(status) => move(todo, status, 'button')}
                    onKeyDown={(event) => handleKeyDown(event, todo)}
                  />
                ))}
              </ul>
              {name === 'done' && todosInColumn.length > newestDone(todosInColumn, movedIds).length && (
                <TextLink
                  to="/todos"
                  search={(current: object) => ({ ...current, view: 'list', status: 'done' })}
                  size="sm"
                >
                  Show all {todosInColumn.length.toLocaleString('en')} in the list
                </TextLink>
              )}
            </BoardColumn>
          ))}
      </div>
      <VisuallyHidden role="status">{announcement}</VisuallyHidden>
    </div>
  )
}

interface ColumnProps {
  name: string
  count: number
  onDrop: (todo: Todo) => void
  children: ReactNode
}

/** BoardColumn holds the cards of one status. Cards can be dropped on it, except on the column of all other statuses. */
function BoardColumn({ name, count, onDrop, children }: ColumnProps) {
  const ref = useRef<HTMLElement>(null)
  const [isTarget, setIsTarget] = useState(false)
  const handleDrop = useEffectEvent(onDrop)
  useEffect(() => {
    const element = ref.current
    if (!element || name === otherColumn) return
    return dropTargetForElements({
      element,
      onDragEnter: () => setIsTarget(true),
      onDragLeave: () => setIsTarget(false),
      onDrop: ({ source }) => {
        setIsTarget(false)
        handleDrop(source.data.todo as Todo)
      },
    })
  }, [name])
  return (
    <section
      ref={ref}
      aria-labelledby={`column-${name}`}
      className={classes.column}
      data-target={isTarget || undefined}
    >
      <Title order={2} size="h3" id={`column-${name}`} className={classes.columnTitle}>
        {name === otherColumn ? 'Other' : statusLabel(name)} <span className={classes.count}>({count})</span>
      </Title>
      {children}
    </section>
  )
}
