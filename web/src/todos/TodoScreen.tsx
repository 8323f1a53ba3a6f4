import { Button, Text } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import { useNavigate, useParams } from '@tanstack/react-router'

import { DeletedRow } from '../changes/DeletedRow'
import { RestorableChangeList } from '../changes/RestorableChangeList'
import { DetailColumns } from '../components/DetailColumns'
import { Icon } from '../components/icons'
import { TextLink } from '../components/links'
import { Panel } from '../components/Panel'
import { QueryBoundary } from '../components/QueryBoundary'
import { RowDetails } from '../components/RowDetails'
import { RowMenu } from '../components/RowMenu'
import { Screen } from '../components/Screen'
import { AbsoluteTime } from '../components/TimeAgo'
import { PersonName, usePersonName } from '../people/PersonName'
import {
  deleteTodo,
  type Todo,
  todoEditOptions,
  type TodoFields,
  todoHistory,
  todoLabels,
  todoQuery,
} from './api'
import { DueChip } from './DueChip'
import { LinkedItems } from './LinkedItems'
import { MarkDone } from './MarkDone'
import { TodoForm } from './TodoForm'
import { TodoStatusBadge } from './TodoStatusBadge'
import { useCanEditTodo } from './useCanEditTodo'
import { useFormatTodoField } from './useFormatTodoField'
import { useMoveTodo } from './useMoveTodo'

/** TodoScreen shows a todo and its activity. */
export function TodoScreen() {
  const { id: idParam } = useParams({ from: '/todos/$id' })
  const id = Number(idParam)
  const query = useQuery(todoQuery(id))
  const formatField = useFormatTodoField()
  const canEditTodo = useCanEditTodo()
  return (
    <Screen
      title={query.data?.description ?? `Todo ${idParam}`}
      breadcrumb={<TextLink to="/todos">Todos</TextLink>}
      badges={query.data && <TodoStatusBadge status={query.data.status} />}
      actions={query.data && <TodoActions todo={query.data} />}
    >
      <QueryBoundary
        query={query}
        renderNotFound={(problem) => <DeletedRow table="todo" rowKey={idParam} problem={problem} />}
      >
        {(todo) => (
          <DetailColumns facts={<Details todo={todo} />}>
            <Panel title="History" id="history">
              <RestorableChangeList
                row={todo}
                canEdit={canEditTodo(todo)}
                editLabels={todoLabels}
                editOptions={todoEditOptions(todo)}
                queryKey={['todo', id, 'history']}
                fetchHistory={todoHistory(id)}
                labels={todoLabels}
                formatField={formatField}
              />
            </Panel>
          </DetailColumns>
        )}
      </QueryBoundary>
    </Screen>
  )
}

function Details({ todo }: { todo: Todo }) {
  const canEdit = useCanEditTodo()(todo)
  const personName = usePersonName()
  return (
    <>
      <RowDetails<Todo, TodoFields>
        row={todo}
        canEdit={canEdit}
        labels={todoLabels}
        items={[
          ['Assignee', todo.assignee ? <PersonName key="assignee" username={todo.assignee} isLink /> : 'Unassigned'],
          ['Due date', todo.due_on && <DueChip key="due" todo={todo} />],
          ['Linked to', <LinkedItems key="links" todo={todo} />],
          ['Created by', <PersonName key="owner" username={todo.owner} isLink />],
          ['Created', <AbsoluteTime key="created" at={todo.created_at} />],
        ]}
        formatField={useFormatTodoField()}
        renderForm={(props) => <TodoForm {...props} />}
        editOptions={todoEditOptions(todo)}
      />
      {canEdit && <MarkDone todo={todo} />}
      {!canEdit && (
        <Text size="sm" c="dimmed">
          Only the creator ({personName(todo.owner)}), the assignee or an admin can edit this todo.
        </Text>
      )}
    </>
  )
}

function TodoActions({ todo }: { todo: Todo }) {
  const navigate = useNavigate()
  const canEdit = useCanEditTodo()(todo)
  const { mutate } = useMoveTodo()
  const isDone = todo.status === 'done'
  return (
    <>
      {canEdit && (
        <Button
          variant={isDone ? 'default' : 'filled'}
          leftSection={<Icon name={isDone ? 'undo' : 'check'} size={16} />}
          onClick={() => mutate({ todo, status: isDone ? 'open' : 'done' })}
        >
          {isDone ? 'Reopen' : 'Mark as done'}
        </Button>
      )}
      <RowMenu
        canDelete={canEdit}
        itemName={`“${todo.description}”`}
        onDelete={(options) => deleteTodo(todo, options)}
        navigateAway={() => navigate({ to: '/todos' })}
        queryKey={todoQuery(todo.id).queryKey}
      />
    </>
  )
}
