import { Button, Text } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import { useNavigate, useSearch } from '@tanstack/react-router'
import type { ReactNode } from 'react'

import { ButtonLink } from '../components/links'
import { localDay } from '../components/localDay'
import { EmptyState } from '../components/placeholders'
import { QueryBoundary } from '../components/QueryBoundary'
import { Screen } from '../components/Screen'
import { ViewSwitch } from '../components/ViewSwitch'
import { DataGrid } from '../grid/DataGrid'
import { exportParams, hasFilters, matchParams } from '../grid/gridState'
import { GridToolbar } from '../grid/GridToolbar'
import { listQuery, listUrl } from '../grid/listQuery'
import { NoMatches } from '../grid/NoMatches'
import { useGrid, useSiteScope } from '../grid/useGrid'
import { type GridActions, useGridState } from '../grid/useGridState'
import { todosList } from '../lists/todos'
import { useSession } from '../session/api'
import { useShortcut } from '../shell/shortcuts'
import { boardSize, type Todo } from './api'
import { QuickAdd } from './QuickAdd'
import { TodoBoard } from './TodoBoard'

const views = [
  { value: undefined, label: 'Board' },
  { value: 'list', label: 'List' },
]

/** TodosScreen shows todos on a board or in a list. */
export function TodosScreen() {
  const { view, assignee } = useSearch({ strict: false })
  const navigate = useNavigate()
  useShortcut('n', 'New todo', () => void navigate({ to: '/todos/new' }))
  const newButton = <ButtonLink to="/todos/new">New todo</ButtonLink>
  const empty = <EmptyState icon="todo" title="No todos yet" actions={newButton} />
  return (
    <Screen
      title="Todos"
      actions={
        <>
          <ViewSwitch views={views} />
          {newButton}
        </>
      }
    >
      <QuickAdd assignee={assignee ?? null} />
      {view === 'list' ? <List empty={empty} /> : <Board empty={empty} />}
    </Screen>
  )
}

function List({ empty }: { empty: ReactNode }) {
  const grid = useGrid(todosList)
  return <DataGrid grid={grid} empty={empty} quickFilters={<QuickFilters setFilters={grid.actions.setFilters} />} />
}

function Board({ empty }: { empty: ReactNode }) {
  const [state, actions] = useGridState(todosList)
  const scope = useSiteScope(todosList, state)
  const query = useQuery(listQuery<Todo>(todosList, { ...matchParams(state, scope), limit: String(boardSize) }))
  return (
    <>
      <GridToolbar
        definition={todosList}
        state={state}
        actions={actions}
        exportUrl={listUrl(todosList.noun, exportParams(todosList, state, scope))}
        quickFilters={<QuickFilters setFilters={actions.setFilters} />}
        isTable={false}
        isOneSite={scope !== undefined}
      />
      <QueryBoundary query={query}>
        {({ rows, nextCursor }) =>
          rows.length > 0 ? (
            <>
              {nextCursor !== undefined && (
                <Text size="sm">The board shows {boardSize.toLocaleString('en')} todos. Add a filter or use the list.</Text>
              )}
              <TodoBoard todos={rows} />
            </>
          ) : hasFilters(state) || scope ? (
            <NoMatches
              items="todos"
              onClear={hasFilters(state) ? actions.clearFilters : undefined}
              isOneSite={scope !== undefined}
            />
          ) : (
            empty
          )
        }
      </QueryBoundary>
    </>
  )
}

function QuickFilters({ setFilters }: Pick<GridActions, 'setFilters'>) {
  const username = useSession()?.username
  return (
    <>
      {username && (
        <Button variant="subtle" onClick={() => setFilters({ assignee: username })}>
          Assigned to me
        </Button>
      )}
      <Button variant="subtle" onClick={() => setFilters({ due_on__lt: localDay(), status__not: 'done' })}>
        Overdue
      </Button>
      <Button variant="subtle" onClick={() => setFilters({ due_on__lt: localDay({ days: 7 }), status__not: 'done' })}>
        Due this week
      </Button>
    </>
  )
}
