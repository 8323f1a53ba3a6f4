import type { ComponentProps } from 'react'

import { type Column, DataTable } from '../components/DataTable'
import { TextLink } from '../components/links'
import { shown } from '../components/formatValue'
import { About } from './LinkedItems'
import type { Todo } from './api'
import { Due } from './DueDate'

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
  { id: 'assignee', header: 'Assignee', value: (todo) => todo.assignee, cell: (todo) => shown(todo.assignee) },
  { id: 'due_on', header: 'Due', value: (todo) => todo.due_on, cell: (todo) => <Due todo={todo} /> },
  { id: 'owner', header: 'From', value: (todo) => todo.owner },
]

const withAbout: Column<Todo>[] = [...columns, { id: 'about', header: 'About', value: () => null, cell: (todo) => <About todo={todo} /> }]

type Props = Pick<ComponentProps<typeof DataTable<Todo>>, 'query' | 'empty'> & {
  /** False where all are about the same thing. */
  about?: boolean
}

/** TodoList shows todos row by row. */
export function TodoList({ about = true, ...props }: Props) {
  return <DataTable label="Todos" columns={about ? withAbout : columns} rowKey={(todo) => todo.id} {...props} />
}
