import type { ComponentProps } from 'react'

import { type Column, DataTable } from '../components/DataTable'
import { formatValue } from '../components/formatValue'
import { TextLink } from '../components/links'
import type { Todo } from './api'
import { DueDate } from './DueDate'
import { LinkedItems } from './LinkedItems'

const columns: Column<Todo>[] = [
  {
    id: 'description',
    header: 'Title',
    value: (todo) => todo.description,
    cell: (todo) => (
      <TextLink to="/todos/$id" params={{ id: String(todo.id) }}>
        {todo.description}
      </TextLink>
    ),
  },
  { id: 'status', header: 'Status', value: (todo) => todo.status, width: 9 },
  {
    id: 'assignee',
    header: 'Assignee',
    value: (todo) => todo.assignee,
    cell: (todo) => formatValue(todo.assignee),
    width: 8.5,
  },
  {
    id: 'due_on',
    header: 'Due date',
    value: (todo) => todo.due_on,
    cell: (todo) => <DueDate todo={todo} />,
    width: 12.5,
  },
  { id: 'owner', header: 'Owner', value: (todo) => todo.owner, width: 7.5 },
]

const columnsWithLinks: Column<Todo>[] = [
  ...columns,
  {
    id: 'links',
    header: 'Linked to',
    value: () => null,
    cell: (todo) => <LinkedItems todo={todo} isCompact />,
    width: 11,
  },
]

type Props = Pick<ComponentProps<typeof DataTable<Todo>>, 'query' | 'empty'> & {
  /** False where all todos are linked to the same item. */
  showLinks?: boolean
}

/** TodoList shows todos in a table. */
export function TodoList({ showLinks = true, ...props }: Props) {
  return (
    <DataTable label="Todos" columns={showLinks ? columnsWithLinks : columns} rowKey={(todo) => todo.id} {...props} />
  )
}
