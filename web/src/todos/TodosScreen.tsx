import { Button, Group } from '@mantine/core'
import { useInfiniteQuery } from '@tanstack/react-query'
import { useNavigate } from '@tanstack/react-router'
import { useMemo } from 'react'

import { type Filter, FilterBar, useFilters } from '../components/filters'
import { ButtonLink } from '../components/links'
import { EmptyState } from '../components/placeholders'
import { QueryBoundary } from '../components/QueryBoundary'
import { Screen } from '../components/Screen'
import { useSession } from '../session/api'
import { useShortcut } from '../shell/shortcuts'
import { boardPageSize, statuses, todosQuery } from './api'
import { TodoBoard } from './TodoBoard'
import { TodoList } from './TodoList'

const filters = [
  { name: 'assignee', label: 'Assignee' },
  { name: 'status', label: 'Status' },
  {
    name: 'due',
    label: 'Due date',
    options: [
      { value: 'late', label: 'Before today' },
      { value: 'today', label: 'By today' },
      { value: 'week', label: 'Within a week' },
    ],
  },
] as const satisfies Filter<string>[]

const views = [
  { name: 'board', label: 'Board' },
  { name: 'list', label: 'List' },
]

/** TodosScreen shows todos on a board or in a list. */
export function TodosScreen() {
  const [values, setFilter] = useFilters(filters)
  const [{ view = 'board' }, setView] = useFilters([{ name: 'view', label: 'View' }])
  const query = useInfiniteQuery(todosQuery(values, view === 'board' ? boardPageSize : undefined))
  const todos = useMemo(() => query.data?.pages.flatMap((page) => page.rows) ?? [], [query.data])
  const username = useSession()?.username
  const navigate = useNavigate()
  useShortcut('n', 'New todo', () => void navigate({ to: '/todos/new' }))
  const newButton = <ButtonLink to="/todos/new">New todo</ButtonLink>
  const empty =
    Object.keys(values).length > 0 ? (
      <EmptyState title="No todos match these filters">
        Text filters match the whole value and are case-sensitive. Common statuses: {statuses.join(', ')}.
      </EmptyState>
    ) : (
      <EmptyState icon="todo" title="No todos yet" actions={newButton} />
    )
  return (
    <Screen title="Todos" actions={newButton}>
      <Group gap="sm" align="end">
        <Button.Group aria-label="View">
          {views.map(({ name, label }) => (
            <Button
              key={name}
              variant={view === name ? 'filled' : 'default'}
              aria-pressed={view === name}
              onClick={() => setView('view', name === 'board' ? '' : name)}
            >
              {label}
            </Button>
          ))}
        </Button.Group>
        {username && values.assignee !== username && (
          <Button variant="subtle" onClick={() => setFilter('assignee', username)}>
            Assigned to me
          </Button>
        )}
      </Group>
      <FilterBar filters={filters} values={values} onChange={setFilter} />
      {view === 'list' ? (
        <TodoList query={query} empty={empty} />
      ) : (
        <QueryBoundary query={query}>
          {() => (
            <>
              {todos.length === 0 ? empty : <TodoBoard todos={todos} />}
              {query.hasNextPage && (
                <Group>
                  <Button
                    variant="default"
                    loading={query.isFetchingNextPage}
                    onClick={() => void query.fetchNextPage()}
                  >
                    Load more
                  </Button>
                </Group>
              )}
            </>
          )}
        </QueryBoundary>
      )}
    </Screen>
  )
}
