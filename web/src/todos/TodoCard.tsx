import { draggable } from '@atlaskit/pragmatic-drag-and-drop/element/adapter'
import { Menu } from '@mantine/core'
import { type KeyboardEvent, useEffect, useRef, useState } from 'react'

import { TextLink } from '../components/links'
import { MoreMenu } from '../components/MoreMenu'
import { PersonName } from '../people/PersonName'
import { statusLabel, statuses, type Todo } from './api'
import { boardColumn, otherColumn } from './boardColumns'
import { DueChip } from './DueChip'
import { hasLinkedItems, LinkedItems } from './LinkedItems'
import classes from './TodoBoard.module.css'
import { TodoStatusBadge } from './TodoStatusBadge'
import { useCanEditTodo } from './useCanEditTodo'

interface Props {
  todo: Todo
  onMove: (status: string) => void
  onKeyDown: (event: KeyboardEvent) => void
}

/** TodoCard shows a todo on the board. It can be dragged to another column, or moved with its menu. */
export function TodoCard({ todo, onMove, onKeyDown }: Props) {
  const canEdit = useCanEditTodo()(todo)
  const cardRef = useRef<HTMLLIElement>(null)
  const [isDragged, setIsDragged] = useState(false)
  useEffect(() => {
    const element = cardRef.current
    if (!element || !canEdit) return
    return draggable({
      element,
      getInitialData: () => ({ todo }),
      onDragStart: () => setIsDragged(true),
      onDrop: () => setIsDragged(false),
    })
  }, [todo, canEdit])
  return (
    // oxlint-disable-next-line jsx-a11y/no-noninteractive-element-interactions -- handles the keys of the link inside
    <li
      ref={cardRef}
      data-todo={todo.id}
      data-dragged={isDragged || undefined}
      data-movable={canEdit || undefined}
      className={classes.card}
      onKeyDown={onKeyDown}
    >
      <div className={classes.cardHead}>
        {/* Browsers would drag the link instead of the card. */}
        <TextLink
          to="/todos/$id"
          params={{ id: String(todo.id) }}
          size="sm"
          c="var(--text)"
          className={classes.cardTitle}
          draggable={false}
        >
          {todo.description}
        </TextLink>
        {canEdit && (
          <MoreMenu label={`Actions for ${todo.description}`} variant="subtle" color="gray" size={24}>
            {statuses
              .filter((status) => status !== todo.status)
              .map((status) => (
                <Menu.Item key={status} onClick={() => onMove(status)}>
                  Move to {statusLabel(status)}
                </Menu.Item>
              ))}
          </MoreMenu>
        )}
      </div>
      {(todo.due_on !== null || boardColumn(todo) === otherColumn) && (
        <div className={classes.cardLine}>
          <DueChip todo={todo} />
          {boardColumn(todo) === otherColumn && <TodoStatusBadge status={todo.status} />}
        </div>
      )}
      <div className={classes.cardLine}>
        {todo.assignee ? <PersonName username={todo.assignee} /> : 'Unassigned'}
        {hasLinkedItems(todo) && (
          <span className={classes.links}>
            <LinkedItems todo={todo} isCompact />
          </span>
        )}
      </div>
    </li>
  )
}
