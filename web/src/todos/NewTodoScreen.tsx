import { useNavigate, useSearch } from '@tanstack/react-router'

import { TextLink } from '../components/links'
import { NewRow } from '../components/NewRowScreen'
import { createTodo, type Todo, type TodoFields, todoQuery } from './api'
import { TodoForm } from './TodoForm'

const number = (text: string | undefined) => (text && /^\d{1,15}$/.test(text) ? Number(text) : null)

/** NewTodoScreen creates a todo. The address may say what it is about: /todos/new?alert_id=… */
export function NewTodoScreen() {
  const navigate = useNavigate()
  const { site_id, freezer_id, computer_id, alert_id, assignee } = useSearch({ from: '/todos/new' })
  return (
    <NewRow<Todo, TodoFields>
      title="New todo"
      may
      above={<TextLink to="/todos">Todos</TextLink>}
      start={{ site_id: number(site_id), freezer_id: number(freezer_id), computer_id: number(computer_id), alert_id: alert_id ?? null, assignee: assignee ?? null }}
      form={(props) => <TodoForm {...props} />}
      create={createTodo}
      row={({ id }) => todoQuery(id).queryKey}
      called={() => 'The todo'}
      open={({ id }) => void navigate({ to: '/todos/$id', params: { id: String(id) } })}
      cancel={() => void navigate({ to: '/todos' })}
    />
  )
}
