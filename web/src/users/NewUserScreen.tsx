import { Text } from '@mantine/core'
import { useNavigate } from '@tanstack/react-router'

import { TextLink } from '../components/links'
import { NewRowScreen } from '../components/NewRowScreen'
import { usePermission } from '../session/api'
import { createUser, type User, type UserFields, userQuery } from './api'
import { UserForm } from './UserForm'

/** NewUserScreen creates a user. */
export function NewUserScreen() {
  const navigate = useNavigate()
  return (
    <NewRowScreen<User, UserFields>
      title="New user"
      canCreate={usePermission('admin')}
      note={
        <Text size="sm" c="dimmed">
          The user cannot sign in until you set a password on the server: <code>labledger user password NAME</code>.
        </Text>
      }
      breadcrumb={<TextLink to="/users">Users</TextLink>}
      initialValues={{ role: 'viewer' }}
      renderForm={(props) => <UserForm {...props} />}
      createRow={createUser}
      getQueryKey={({ id }) => userQuery(id).queryKey}
      getLabel={({ username }) => username}
      onCreated={({ id }) => void navigate({ to: '/users/$id', params: { id: String(id) } })}
      onCancel={() => void navigate({ to: '/users' })}
    />
  )
}
