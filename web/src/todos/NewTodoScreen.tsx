import { useNavigate, useSearch } from '@tanstack/react-router'

import { TextLink } from '../components/links'
import { NewRowScreen } from '../components/NewRowScreen'
import { createTodo, type Todo, type TodoFields, todoQuery } from './api'
import { TodoForm } from './TodoForm'

const parseId = (text: string | undefined) => (text && /^\d{1,15}$/.test(text) ? Number(text) : null)

/** NewTodoScreen creates a todo. Search parameters preset its fields: /todos/new?alert_id=… */
export function NewTodoScreen() {
  const navigate = useNavigate()
  const { site_id, freezer_id, computer_id, alert_id, assignee } = useSearch({ from: '/todos/new' })
  return (
    <NewRowScreen<Todo, TodoFields>
      title="New todo"
      canCreate
      breadcrumb={<TextLink to="/todos">Todos</TextLink>}
      initialValues={{
        site_id: parseId(site_id),
        freezer_id: parseId(freezer_id),
        computer_id: parseId(computer_id),
        alert_id: alert_id ?? null,
        assignee: assignee ?? null,
      }}
      renderForm={(props) => <TodoForm {...props} />}
      createRow={createTodo}
      getQueryKey={({ id }) => todoQuery(id).queryKey}
      getLabel={({ description }) => `“${description}”`}
      onCreated={({ id }) => void navigate({ to: '/todos/$id', params: { id: String(id) } })}
      onCancel={() => void navigate({ to: '/todos' })}
    />
  )
}
