import { Text } from '@mantine/core'
import { useQueryClient } from '@tanstack/react-query'
import { useNavigate } from '@tanstack/react-router'

import { TextLink } from '../components/links'
import { NewRowScreen } from '../components/NewRowScreen'
import { usePermission } from '../session/api'
import { createPasswordLink, createUser, type User, type UserFields, userQuery } from './api'
import { newLinkKey } from './PasswordLinkDialog'
import { UserForm } from './UserForm'

/** NewUserScreen creates a user and an invitation, which the page of the user shows once. */
export function NewUserScreen() {
  const navigate = useNavigate()
  const queryClient = useQueryClient()
  return (
    <NewRowScreen<User, UserFields>
      title="Invite a user"
      canCreate={usePermission('admin')}
      note={
        <Text size="sm" c="dimmed">
          Next, you get a link for the user to choose a password. It is valid once, for 24 hours.
        </Text>
      }
      breadcrumb={<TextLink to="/users">Users</TextLink>}
      initialValues={{ role: 'viewer' }}
      renderForm={(props) => <UserForm {...props} isNew />}
      createRow={async (fields) => {
        const user = await createUser(fields)
        // If this fails, the page of the user offers it again.
        const link = await createPasswordLink(user.id).catch(() => undefined)
        queryClient.setQueryData(newLinkKey(user.id), link)
        return user
      }}
      getQueryKey={({ id }) => userQuery(id).queryKey}
      getLabel={({ display_name, username }) => display_name ?? username}
      onCreated={({ id }) => void navigate({ to: '/users/$id', params: { id: String(id) } })}
      onCancel={() => void navigate({ to: '/users' })}
    />
  )
}
