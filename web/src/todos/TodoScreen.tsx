import { Text } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import { useNavigate, useParams } from '@tanstack/react-router'

import { ChangeList } from '../changes/ChangeList'
import { DeleteRow } from '../components/DeleteButton'
import { TextLink } from '../components/links'
import { RowDetails } from '../components/RowDetails'
import { Screen } from '../components/Screen'
import { shown } from '../components/formatValue'
import { Shown } from '../components/QueryBoundary'
import { Part } from '../components/Section'
import { TimeAgo } from '../components/TimeAgo'
import { About } from './LinkedItems'
import { changeTodo, deleteTodo, readTodo, type Todo, type TodoFields, todoHistory, todoLabels, todoQuery } from './api'
import { Due } from './DueDate'
import { useMine } from './useCanEditTodo'
import { TodoForm } from './TodoForm'

/** TodoScreen shows a todo and its history. */
export function TodoScreen() {
  const { id: text } = useParams({ from: '/todos/$id' })
  const id = Number(text)
  const query = useQuery(todoQuery(id))
  return (
    <Screen title={query.data?.description ?? `Todo ${text}`} above={<TextLink to="/todos">Todos</TextLink>} actions={query.data && <Delete todo={query.data} />}>
      <Shown query={query}>
        {(todo) => (
          <>
            <Details key={todo.id} todo={todo} />
            <Part title="History" id="history">
              <ChangeList queryKey={['todo', id, 'history']} read={todoHistory(id)} labels={todoLabels} />
            </Part>
          </>
        )}
      </Shown>
    </Screen>
  )
}

function Details({ todo }: { todo: Todo }) {
  const mine = useMine()(todo)
  return (
    <>
      <RowDetails<Todo, TodoFields>
        row={todo}
        may={mine}
        labels={todoLabels}
        facts={[
          ['Status', todo.status],
          ['Assignee', shown(todo.assignee)],
          ['Due', <Due key="due" todo={todo} />],
          ['About', <About key="about" todo={todo} />],
          ['From', todo.owner],
          ['Created', <TimeAgo key="created" at={todo.created_at} />],
        ]}
        form={(props) => <TodoForm {...props} />}
        options={{ row: todoQuery(todo.id).queryKey, list: ['todos'], same: (one) => one.id === todo.id, read: () => readTodo(todo.id), write: changeTodo }}
      />
      {!mine && (
        <Text size="sm" c="dimmed">
          It is {todo.owner}’s. Only its owner, its assignee and admins may change it.
        </Text>
      )}
    </>
  )
}

function Delete({ todo }: { todo: Todo }) {
  const navigate = useNavigate()
  return (
    <DeleteRow
      may={useMine()(todo)}
      what={`“${todo.description}”`}
      remove={(how) => deleteTodo(todo, how)}
      leave={() => navigate({ to: '/todos' })}
      row={todoQuery(todo.id).queryKey}
    />
  )
}
