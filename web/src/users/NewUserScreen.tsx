import { Text } from '@mantine/core'
import { useNavigate } from '@tanstack/react-router'

import { TextLink } from '../components/links'
import { NewRow } from '../components/NewRowScreen'
import { useMay } from '../session/api'
import { createUser, type User, type UserFields, userQuery } from './api'
import { UserForm } from './UserForm'

/** NewUserScreen creates an account. */
export function NewUserScreen() {
  const navigate = useNavigate()
  return (
    <NewRow<User, UserFields>
      title="New user"
      may={useMay('admin')}
      note={
        <Text size="sm" c="dimmed">
          A password is set on the server: <code>labledger user password NAME</code>. Without one nobody can sign in as this user.
        </Text>
      }
      above={<TextLink to="/users">Users</TextLink>}
      start={{ role: 'viewer' }}
      form={(props) => <UserForm {...props} />}
      create={createUser}
      row={({ id }) => userQuery(id).queryKey}
      called={({ username }) => username}
      open={({ id }) => void navigate({ to: '/users/$id', params: { id: String(id) } })}
      cancel={() => void navigate({ to: '/users' })}
    />
  )
}
