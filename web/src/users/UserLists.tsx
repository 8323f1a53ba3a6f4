import { CheckoutsGrid } from '../checkouts/CheckoutsGrid'
import { ButtonLink } from '../components/links'
import { EmptyState } from '../components/placeholders'
import { DataGrid } from '../grid/DataGrid'
import { useGrid } from '../grid/useGrid'
import { alertsList } from '../lists/alerts'
import { attachmentsList } from '../lists/attachments'
import { changesList } from '../lists/changes'
import { personCheckoutsList } from '../lists/checkouts'
import { eventsList } from '../lists/events'
import { todosList } from '../lists/todos'
import type { Person } from '../people/api'

// What belongs to one person, a list per tab.

interface Props {
  person: Person
}

/** UserTodos lists the todos that are assigned to a person. */
export function UserTodos({ person: { username, display_name } }: Props) {
  const grid = useGrid(todosList, { scope: { assignee: username }, prefix: 'todos.' })
  const empty = (
    <EmptyState
      icon="todo"
      title={`No todos assigned to ${display_name}`}
      actions={
        <ButtonLink to="/todos/new" search={{ assignee: username }}>
          New todo
        </ButtonLink>
      }
    />
  )
  return <DataGrid grid={grid} empty={empty} />
}

/** UserCheckouts lists the containers that a person has. */
export function UserCheckouts({ person: { username, display_name } }: Props) {
  const grid = useGrid(personCheckoutsList, { scope: { holder: username }, prefix: 'checkouts.' })
  return <CheckoutsGrid grid={grid} empty={<EmptyState icon="checkOut" title={`${display_name} has no containers`} />} />
}

/** UserAlerts lists the alerts about the events of a person. */
export function UserAlerts({ person: { id, display_name } }: Props) {
  const grid = useGrid(alertsList, { scope: { user_id: String(id) }, prefix: 'alerts.' })
  return <DataGrid grid={grid} empty={<EmptyState icon="alert" title={`No alerts about ${display_name}`} />} />
}

/** UserEvents lists the deposits and withdrawals of a person. */
export function UserEvents({ person: { id, display_name } }: Props) {
  const grid = useGrid(eventsList, { scope: { user_id: String(id) }, prefix: 'events.' })
  return <DataGrid grid={grid} empty={<EmptyState icon="event" title={`No events by ${display_name}`} />} />
}

/** UserActivity lists what a person changed. */
export function UserActivity({ person: { username, display_name } }: Props) {
  const grid = useGrid(changesList, { scope: { actor: username }, prefix: 'changes.' })
  return <DataGrid grid={grid} empty={<EmptyState icon="history" title={`No changes by ${display_name} yet`} />} />
}

/** UserAttachments lists the files that a person uploaded. */
export function UserAttachments({ person: { username, display_name } }: Props) {
  const grid = useGrid(attachmentsList, { scope: { owner: username }, prefix: 'attachments.' })
  return <DataGrid grid={grid} empty={<EmptyState icon="file" title={`No attachments from ${display_name}`} />} />
}
