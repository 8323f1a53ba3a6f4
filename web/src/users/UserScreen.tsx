import { useQuery } from '@tanstack/react-query'
import { useNavigate, useParams } from '@tanstack/react-router'

import { ChangeList } from '../changes/ChangeList'
import { DeleteButton } from '../components/DeleteButton'
import { TextLink } from '../components/links'
import { Forbidden } from '../components/placeholders'
import { QueryBoundary } from '../components/QueryBoundary'
import { Screen } from '../components/Screen'
import { Section } from '../components/Section'
import { usePermission } from '../session/api'
import { deleteUser, type User, userHistory, userLabels, userQuery } from './api'
import { UserDetails } from './UserDetails'

/** UserScreen shows a user and its history. It requires the admin role. */
export function UserScreen() {
  const { id } = useParams({ from: '/users/$id' })
  const isAdmin = usePermission('admin')
  if (isAdmin) return <UserView idParam={id} />
  return (
    <Screen title={`User ${id}`}>
      <Forbidden />
    </Screen>
  )
}

function UserView({ idParam }: { idParam: string }) {
  const id = Number(idParam)
  const query = useQuery(userQuery(id))
  return (
    <Screen
      title={query.data?.username ?? `User ${idParam}`}
      breadcrumb={<TextLink to="/users">Users</TextLink>}
      actions={query.data && <DeleteUser user={query.data} />}
    >
      <QueryBoundary query={query}>
        {(user) => (
          <>
            <UserDetails user={user} />
            <Section title="History" id="history">
              <ChangeList queryKey={['user', id, 'history']} fetchHistory={userHistory(id)} labels={userLabels} />
            </Section>
          </>
        )}
      </QueryBoundary>
    </Screen>
  )
}

function DeleteUser({ user }: { user: User }) {
  const navigate = useNavigate()
  return (
    <DeleteButton
      canDelete
      itemName={user.username}
      onDelete={(options) => deleteUser(user, options)}
      navigateAway={() => navigate({ to: '/users' })}
      queryKey={userQuery(user.id).queryKey}
    />
  )
}
