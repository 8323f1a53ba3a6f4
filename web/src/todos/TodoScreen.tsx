import { Text } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import { useNavigate, useParams } from '@tanstack/react-router'

import { ChangeList } from '../changes/ChangeList'
import { DeleteButton } from '../components/DeleteButton'
import { formatValue } from '../components/formatValue'
import { TextLink } from '../components/links'
import { QueryBoundary } from '../components/QueryBoundary'
import { RowDetails } from '../components/RowDetails'
import { Screen } from '../components/Screen'
import { Section } from '../components/Section'
import { TimeAgo } from '../components/TimeAgo'
import {
  deleteTodo,
  fetchTodo,
  type Todo,
  type TodoFields,
  todoHistory,
  todoLabels,
  todoQuery,
  updateTodo,
} from './api'
import { DueDate } from './DueDate'
import { LinkedItems } from './LinkedItems'
import { TodoForm } from './TodoForm'
import { useCanEditTodo } from './useCanEditTodo'

/** TodoScreen shows a todo and its history. */
export function TodoScreen() {
  const { id: idParam } = useParams({ from: '/todos/$id' })
  const id = Number(idParam)
  const query = useQuery(todoQuery(id))
  return (
    <Screen
      title={query.data?.description ?? `Todo ${idParam}`}
      breadcrumb={<TextLink to="/todos">Todos</TextLink>}
      actions={query.data && <DeleteTodo todo={query.data} />}
    >
      <QueryBoundary query={query}>
        {(todo) => (
          <>
            <Details todo={todo} />
            <Section title="History" id="history">
              <ChangeList queryKey={['todo', id, 'history']} fetchHistory={todoHistory(id)} labels={todoLabels} />
            </Section>
          </>
        )}
      </QueryBoundary>
    </Screen>
  )
}

function Details({ todo }: { todo: Todo }) {
  const canEdit = useCanEditTodo()(todo)
  return (
    <>
      <RowDetails<Todo, TodoFields>
        row={todo}
        canEdit={canEdit}
        labels={todoLabels}
        items={[
          ['Status', todo.status],
          ['Assignee', formatValue(todo.assignee)],
          ['Due date', <DueDate key="due" todo={todo} />],
          ['Linked to', <LinkedItems key="links" todo={todo} />],
          ['Owner', todo.owner],
          ['Created', <TimeAgo key="created" at={todo.created_at} />],
        ]}
        renderForm={(props) => <TodoForm {...props} />}
        editOptions={{
          queryKey: todoQuery(todo.id).queryKey,
          listKey: ['todos'],
          isSameRow: (row) => row.id === todo.id,
          fetchRow: () => fetchTodo(todo.id),
          updateRow: updateTodo,
        }}
      />
      {!canEdit && (
        <Text size="sm" c="dimmed">
          Only the owner ({todo.owner}), the assignee or an admin can edit this todo.
        </Text>
      )}
    </>
  )
}

function DeleteTodo({ todo }: { todo: Todo }) {
  const navigate = useNavigate()
  return (
    <DeleteButton
      canDelete={useCanEditTodo()(todo)}
      itemName={`“${todo.description}”`}
      onDelete={(options) => deleteTodo(todo, options)}
      navigateAway={() => navigate({ to: '/todos' })}
      queryKey={todoQuery(todo.id).queryKey}
    />
  )
}
