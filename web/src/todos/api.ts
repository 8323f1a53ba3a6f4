import { queryOptions } from '@tanstack/react-query'

import { api, ifMatch, type Schemas, unwrap, unwrapCreated, unwrapPage, unwrapWritten } from '../api/client'
import type { EditOptions } from '../api/useRowEdit'
import { createHistoryReader } from '../changes/api'

// API calls for todos.

export type Todo = Schemas['Todo']

export const todoLabels = {
  description: 'Title',
  status: 'Status',
  assignee: 'Assignee',
  due_on: 'Due date',
  site_id: 'Site',
  freezer_id: 'Freezer',
  computer_id: 'Computer',
  alert_id: 'Alert',
} as const satisfies Partial<Record<keyof Todo, string>>

export type TodoField = keyof typeof todoLabels
export type TodoFields = Pick<Todo, TodoField>
export const todoFields = Object.keys(todoLabels) as TodoField[]

/** statuses are the columns of the board, in order. A todo can also have any other short text as its status. */
export const statuses = ['open', 'doing', 'done']

const statusLabels: Record<string, string> = { open: 'To do', doing: 'In progress', done: 'Done' }

/** statusLabel returns the label of a status; a status of the user's own is its own label. */
export const statusLabel = (status: string): string => statusLabels[status] ?? status

/** parseStatus returns the status of a label. */
export const parseStatus = (label: string): string =>
  statuses.find((status) => statusLabel(status).toLowerCase() === label.trim().toLowerCase()) ?? label

/** boardSize is the maximum number of todos on the board. */
export const boardSize = 1000

/** A TodoLink identifies an item that todos can be linked to. */
export type TodoLink = { site_id: number } | { freezer_id: number } | { computer_id: number } | { alert_id: string }

export const todoQuery = (id: number) =>
  queryOptions({ queryKey: ['todo', id], queryFn: ({ signal }) => fetchTodo(id, signal) })

export const fetchTodo = (id: number, signal?: AbortSignal) =>
  unwrap(api.GET('/api/v1/todos/{id}', { params: { path: { id } }, signal: signal ?? null }))

export const createTodo = (fields: TodoFields) => unwrapCreated(api.POST('/api/v1/todos', { body: fields }))

export const updateTodo = (changes: Partial<Todo>, base: Todo) =>
  unwrap(api.PATCH('/api/v1/todos/{id}', { params: { path: { id: base.id }, header: ifMatch(base) }, body: changes }))

export const deleteTodo = (todo: Todo, { dryRun }: { dryRun: boolean }) =>
  unwrapWritten(
    api.DELETE('/api/v1/todos/{id}', {
      params: { path: { id: todo.id }, query: { dry_run: dryRun }, header: ifMatch(todo) },
    }),
  )

export const todoHistory = (id: number) =>
  createHistoryReader('todo', id, (signal) =>
    unwrapPage(api.GET('/api/v1/todos/{id}/history', { params: { path: { id } }, signal })),
  )

/** todoEditOptions returns the options of useRowEdit for a todo. */
export const todoEditOptions = ({ id }: Todo): EditOptions<Todo> => ({
  queryKey: todoQuery(id).queryKey,
  listKey: ['todos'],
  isSameRow: (row) => row.id === id,
  fetchRow: () => fetchTodo(id),
  updateRow: updateTodo,
})
