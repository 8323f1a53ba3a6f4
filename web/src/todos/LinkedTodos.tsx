import { ButtonLink } from '../components/links'
import { EmptyState } from '../components/placeholders'
import { DataGrid } from '../grid/DataGrid'
import { useGrid } from '../grid/useGrid'
import { linkedTodosList } from '../lists/todos'
import type { TodoLink } from './api'

/** LinkedTodos lists the todos linked to an item, with a button for a new one. */
export function LinkedTodos({ link }: { link: TodoLink }) {
  const scope = Object.fromEntries(Object.entries(link).map(([name, id]) => [name, String(id)]))
  const grid = useGrid(linkedTodosList, { scope, prefix: 'todos.' })
  const newButton = (
    <ButtonLink to="/todos/new" search={scope} variant="default">
      New todo
    </ButtonLink>
  )
  return (
    <DataGrid
      grid={grid}
      isEmbedded
      actions={newButton}
      empty={<EmptyState icon="todo" title="No linked todos" actions={newButton} />}
    />
  )
}
