import { useMutation, useQueryClient } from '@tanstack/react-query'
import { useNavigate, useSearch } from '@tanstack/react-router'

import { asProblem } from '../api/problem'
import { TextLink } from '../parts/links'
import { Screen } from '../parts/Screen'
import { toast } from '../parts/toast'
import { createTodo, todoQuery } from './api'
import { TodoForm } from './TodoForm'

const number = (text: string | undefined) => (text && /^\d{1,15}$/.test(text) ? Number(text) : null)

/** NewTodoScreen creates a todo and leads to it. The address may say what it is about: /todos/new?alert_id=… */
export function NewTodoScreen() {
  const queryClient = useQueryClient()
  const navigate = useNavigate()
  const { site_id, freezer_id, computer_id, alert_id, assignee } = useSearch({ from: '/todos/new' })
  const { mutate, isPending, error } = useMutation({
    mutationFn: createTodo,
    onSuccess: (todo) => {
      queryClient.setQueryData(todoQuery(todo.id).queryKey, todo)
      void queryClient.invalidateQueries({ queryKey: ['todos'] })
      toast('The todo is stored')
      void navigate({ to: '/todos/$id', params: { id: String(todo.id) } })
    },
  })
  return (
    <Screen title="New todo" above={<TextLink to="/todos">Todos</TextLink>}>
      <TodoForm
        start={{ site_id: number(site_id), freezer_id: number(freezer_id), computer_id: number(computer_id), alert_id: alert_id ?? null, assignee: assignee ?? null }}
        submit={mutate}
        cancel={() => void navigate({ to: '/todos' })}
        saving={isPending}
        problem={error ? asProblem(error) : undefined}
      />
    </Screen>
  )
}
