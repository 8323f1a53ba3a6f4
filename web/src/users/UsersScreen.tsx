import { useNavigate } from '@tanstack/react-router'

import { ButtonLink } from '../components/links'
import { EmptyState, Forbidden } from '../components/placeholders'
import { Screen } from '../components/Screen'
import { DataGrid } from '../grid/DataGrid'
import { useGrid } from '../grid/useGrid'
import { usersList } from '../lists/users'
import { usePermission } from '../session/api'
import { useShortcut } from '../shell/shortcuts'

/** UsersScreen lists all users. It requires the admin role. */
export function UsersScreen() {
  const isAdmin = usePermission('admin')
  const navigate = useNavigate()
  useShortcut('n', 'Invite a user', () => void navigate({ to: '/users/new' }), isAdmin)
  return (
    <Screen title="Users" actions={isAdmin && <ButtonLink to="/users/new">Invite a user</ButtonLink>}>
      {isAdmin ? <UserGrid /> : <Forbidden requiredRole="admin" />}
    </Screen>
  )
}

function UserGrid() {
  return <DataGrid grid={useGrid(usersList)} empty={<EmptyState icon="user" title="No users yet" />} />
}
