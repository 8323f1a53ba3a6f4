import { queryOptions } from '@tanstack/react-query'

import { api, created, etag, page, row, type Schemas } from '../api/client'
import { paged } from '../api/queries'
import { newestFirst } from '../changes/api'
import { dueBefore } from './dueDates'

// Everything that the app asks of todos.

export type Todo = Schemas['Todo']

export const todoLabels = {
  description: 'What',
  status: 'Status',
  assignee: 'Assignee',
  due_on: 'Due',
  site_id: 'Site',
  freezer_id: 'Freezer',
  computer_id: 'Computer',
  alert_id: 'Alert',
} as const satisfies Partial<Record<keyof Todo, string>>

export type TodoField = keyof typeof todoLabels
export type TodoFields = Pick<Todo, TodoField>
export const todoFields = Object.keys(todoLabels) as TodoField[]

/** statuses are the columns of the board, in its order. Any other short text is a status, too. */
export const statuses = ['open', 'doing', 'done']

export type TodoFilters = Partial<Record<'status' | 'assignee' | 'due', string>>

const most = 1000

export const todosQuery = ({ due, ...filters }: TodoFilters = {}) =>
  paged(['todos', { ...filters, due }], (after, signal) => page(api.GET('/api/v1/todos', { params: { query: { ...filters, due_before: dueBefore(due), after, limit: most } }, signal })))

/** A Thing is what todos may be about. */
export type Thing = { site_id: number } | { freezer_id: number } | { computer_id: number } | { alert_id: string }

export const todosAbout = (thing: Thing) => paged(['todos', thing], (after, signal) => page(api.GET('/api/v1/todos', { params: { query: { ...thing, after } }, signal })))

export const todoQuery = (id: number) => queryOptions({ queryKey: ['todo', id], queryFn: ({ signal }) => readTodo(id, signal) })

export const readTodo = (id: number, signal?: AbortSignal) => row(api.GET('/api/v1/todos/{id}', { params: { path: { id } }, signal: signal ?? null }))

export const createTodo = (fields: TodoFields) => created(api.POST('/api/v1/todos', { body: fields }))

export const changeTodo = (changes: Partial<Todo>, base: Todo) =>
  row(api.PATCH('/api/v1/todos/{id}', { params: { path: { id: base.id }, header: etag(base) }, body: changes }))

export const deleteTodo = (todo: Todo, { dryRun }: { dryRun: boolean }) =>
  row(api.DELETE('/api/v1/todos/{id}', { params: { path: { id: todo.id }, query: { dry_run: dryRun }, header: etag(todo) } }))

export const todoHistory = (id: number) => newestFirst('todo', id, (signal) => page(api.GET('/api/v1/todos/{id}/history', { params: { path: { id } }, signal })))

/** The things that a todo may be about, for a list to choose from. */
export const choices = {
  site_id: paged(['sites', 'choice'], (after, signal) => page(api.GET('/api/v1/sites', { params: { query: { after, limit: most } }, signal }))),
  freezer_id: paged(['freezers', 'choice'], (after, signal) => page(api.GET('/api/v1/freezers', { params: { query: { after, limit: most } }, signal }))),
  computer_id: paged(['computers', 'choice'], (after, signal) => page(api.GET('/api/v1/computers', { params: { query: { after, limit: most } }, signal }))),
}
