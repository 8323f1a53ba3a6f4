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
    header: 'What',
    value: (todo) => todo.description,
    cell: (todo) => (
      <TextLink to="/todos/$id" params={{ id: String(todo.id) }} style={{ overflowWrap: 'anywhere' }}>
        {todo.description}
      </TextLink>
    ),
  },
  { id: 'status', header: 'Status', value: (todo) => todo.status },
  { id: 'assignee', header: 'Assignee', value: (todo) => todo.assignee, cell: (todo) => formatValue(todo.assignee) },
  { id: 'due_on', header: 'Due', value: (todo) => todo.due_on, cell: (todo) => <DueDate todo={todo} /> },
  { id: 'owner', header: 'From', value: (todo) => todo.owner },
]

const columnsWithLinks: Column<Todo>[] = [...columns, { id: 'about', header: 'About', value: () => null, cell: (todo) => <LinkedItems todo={todo} /> }]

type Props = Pick<ComponentProps<typeof DataTable<Todo>>, 'query' | 'empty'> & {
  /** False where all are about the same thing. */
  showLinks?: boolean
}

/** TodoList shows todos row by row. */
export function TodoList({ showLinks = true, ...props }: Props) {
  return <DataTable label="Todos" columns={showLinks ? columnsWithLinks : columns} rowKey={(todo) => todo.id} {...props} />
}
