import { useInfiniteQuery } from '@tanstack/react-query'

import type { Schemas } from '../api/client'
import type { paged } from '../api/queries'
import { type Column, DataTable } from './DataTable'
import { Empty } from './states'

type Todo = Schemas['Todo']

const columns: Column<Todo>[] = [
  { id: 'description', header: 'Todo', value: (todo) => todo.description },
  { id: 'status', header: 'Status', value: (todo) => todo.status },
  { id: 'assignee', header: 'Assignee', value: (todo) => todo.assignee },
  { id: 'due_on', header: 'Due', value: (todo) => todo.due_on },
]

/** LinkedTodos are the todos that are about a thing. */
export function LinkedTodos({ options }: { options: ReturnType<typeof paged<Todo>> }) {
  return <DataTable label="Todos" query={useInfiniteQuery(options)} columns={columns} rowKey={(todo) => todo.id} empty={<Empty icon="todo" title="No todo is about it" />} />
}
