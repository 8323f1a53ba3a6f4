import { Button, Card, SimpleGrid, Text } from '@mantine/core'
import { useQuery, useQueryClient } from '@tanstack/react-query'
import { useNavigate, useParams } from '@tanstack/react-router'
import { useEffect, useRef, useState } from 'react'

import { useRowEdit } from '../api/edit'
import { ChangeList } from '../changes/ChangeList'
import { ConflictDialog } from '../parts/ConflictDialog'
import { DeleteDialog } from '../parts/DeleteDialog'
import { changed } from '../parts/form'
import { TextLink } from '../parts/links'
import { Screen } from '../parts/Screen'
import { shown } from '../parts/shown'
import { Part, Shown } from '../parts/states'
import { TimeAgo } from '../parts/TimeAgo'
import { toast } from '../parts/toast'
import { useShortcut } from '../shell/shortcuts'
import { About } from './About'
import { changeTodo, deleteTodo, readTodo, type Todo, todoHistory, todoLabels, todoQuery } from './api'
import { Due } from './Due'
import { useMine } from './mine'
import { TodoForm } from './TodoForm'

/** TodoScreen shows a todo and its history. */
export function TodoScreen() {
  const { id: text } = useParams({ from: '/todos/$id' })
  const id = Number(text)
  const query = useQuery(todoQuery(id))
  return (
    <Screen title={query.data?.description ?? `Todo ${text}`} above={<TextLink to="/todos">Todos</TextLink>} actions={query.data && <DeleteTodo todo={query.data} />}>
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

/** Details are the todo's own fields, to read or to edit. */
function Details({ todo }: { todo: Todo }) {
  const mine = useMine()(todo)
  const [base, setBase] = useState<Todo>() // the todo as it was when one began to edit
  const button = useRef<HTMLButtonElement>(null)
  const edit = useRowEdit<Todo>({
    row: todoQuery(todo.id).queryKey,
    list: ['todos'],
    same: (one) => one.id === todo.id,
    read: () => readTodo(todo.id),
    write: changeTodo,
    saved: () => toast('Saved'),
  })
  const begin = () => {
    if (!edit.saving) setBase(todo)
  }
  const end = () => {
    setBase(undefined)
    edit.drop()
  }
  const save = (from: Todo, changes: Partial<Todo>) => {
    end()
    if (Object.keys(changes).length > 0) edit.save(from, changes)
  }
  useShortcut('e', 'Edit', begin, mine && !base)
  const { refused, conflict } = edit
  const editing = refused?.base ?? base
  const edited = useRef(false)
  useEffect(() => {
    if (edited.current && !editing) button.current?.focus() // where one came from
    edited.current = Boolean(editing)
  }, [editing])
  return (
    <Part
      title="Details"
      id="details"
      actions={
        mine &&
        !editing && (
          <Button ref={button} variant="default" onClick={begin} aria-disabled={edit.saving}>
            {edit.saving ? 'Saving…' : 'Edit'}
          </Button>
        )
      }
    >
      <Card withBorder>
        {editing ? (
          <TodoForm start={{ ...editing, ...refused?.changes }} problem={refused?.problem} submit={(fields) => save(editing, changed(editing, fields))} cancel={end} />
        ) : (
          <Facts todo={todo} />
        )}
      </Card>
      {!mine && (
        <Text size="sm" c="dimmed" mt="xs">
          It is {todo.owner}’s. Only its owner, its assignee and admins may change it.
        </Text>
      )}
      {conflict && <ConflictDialog conflict={conflict} labels={todoLabels} keep={save} cancel={end} />}
    </Part>
  )
}

function Facts({ todo }: { todo: Todo }) {
  const facts = [
    ['Status', todo.status],
    ['Assignee', shown(todo.assignee)],
    ['Due', <Due key="due" todo={todo} />],
    ['About', <About key="about" todo={todo} />],
    ['From', todo.owner],
    ['Created', <TimeAgo key="created" at={todo.created_at} />],
  ] as const
  return (
    <SimpleGrid component="dl" cols={{ base: 1, sm: 2 }} m={0}>
      {facts.map(([label, fact]) => (
        <div key={label}>
          <Text component="dt" size="sm" c="dimmed">
            {label}
          </Text>
          <Text component="dd" m={0} style={{ overflowWrap: 'anywhere' }}>
            {fact}
          </Text>
        </div>
      ))}
    </SimpleGrid>
  )
}

function DeleteTodo({ todo }: { todo: Todo }) {
  const [asking, ask] = useState(false)
  const mine = useMine()(todo)
  const navigate = useNavigate()
  const queryClient = useQueryClient()
  if (!mine) return null
  return (
    <>
      <Button variant="default" onClick={() => ask(true)}>
        Delete
      </Button>
      {asking && (
        <DeleteDialog
          what={`“${todo.description}”`}
          remove={(how) => deleteTodo(todo, how)}
          deleted={() => {
            toast('The todo is deleted')
            void navigate({ to: '/todos' }).then(() => {
              queryClient.removeQueries({ queryKey: ['todo', todo.id] })
              void queryClient.invalidateQueries({ queryKey: ['todos'] })
            })
          }}
          close={() => ask(false)}
        />
      )}
    </>
  )
}
