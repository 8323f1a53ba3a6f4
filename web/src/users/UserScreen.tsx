import { useQuery } from '@tanstack/react-query'
import { useNavigate, useParams } from '@tanstack/react-router'

import { ChangeList } from '../changes/ChangeList'
import { DeleteRow } from '../components/DeleteButton'
import { TextLink } from '../components/links'
import { Screen } from '../components/Screen'
import { Forbidden } from '../components/placeholders'
import { Shown } from '../components/QueryBoundary'
import { Part } from '../components/Section'
import { useMay } from '../session/api'
import { deleteUser, type User, userHistory, userLabels, userQuery } from './api'
import { UserDetails } from './UserDetails'

/** UserScreen shows an account. Only admins see it. */
export function UserScreen() {
  const { id } = useParams({ from: '/users/$id' })
  const may = useMay('admin')
  if (may) return <ForAdmins key={id} text={id} />
  return (
    <Screen title={`User ${id}`}>
      <Forbidden />
    </Screen>
  )
}

function ForAdmins({ text }: { text: string }) {
  const id = Number(text)
  const query = useQuery(userQuery(id))
  return (
    <Screen title={query.data?.username ?? `User ${text}`} above={<TextLink to="/users">Users</TextLink>} actions={query.data && <Delete user={query.data} />}>
      <Shown query={query}>
        {(user) => (
          <>
            <UserDetails key={user.id} user={user} />
            <Part title="History" id="history">
              <ChangeList queryKey={['user', id, 'history']} read={userHistory(id)} labels={userLabels} />
            </Part>
          </>
        )}
      </Shown>
    </Screen>
  )
}

function Delete({ user }: { user: User }) {
  const navigate = useNavigate()
  return (
    <DeleteRow
      may
      what={user.username}
      remove={(how) => deleteUser(user, how)}
      leave={() => navigate({ to: '/users' })}
      row={userQuery(user.id).queryKey}
    />
  )
}
