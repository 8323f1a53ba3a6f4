import { useInfiniteQuery } from '@tanstack/react-query'

import { type Column, DataTable } from '../parts/DataTable'
import { ButtonLink, TextLink } from '../parts/links'
import { Empty, Part } from '../parts/states'
import { type Subject, type Todo, todosAbout } from './api'
import { Due } from './Due'

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
  { id: 'assignee', header: 'Assignee', value: (todo) => todo.assignee },
  { id: 'due_on', header: 'Due', value: (todo) => todo.due_on, cell: (todo) => <Due todo={todo} /> },
]

/** LinkedTodos are the todos that are about a thing. */
export function LinkedTodos({ of }: { of: Subject }) {
  const fresh = (
    <ButtonLink to="/todos/new" search={Object.fromEntries(Object.entries(of).map(([name, key]) => [name, String(key)]))} variant="default">
      New todo
    </ButtonLink>
  )
  return (
    <Part title="Todos" id="todos" actions={fresh}>
      <DataTable label="Todos" query={useInfiniteQuery(todosAbout(of))} columns={columns} rowKey={(todo) => todo.id} empty={<Empty icon="todo" title="No todo is about it" />} />
    </Part>
  )
}
