import { Text } from '@mantine/core'
import { useMutation, useQueryClient } from '@tanstack/react-query'
import { useNavigate } from '@tanstack/react-router'

import { asProblem } from '../api/problem'
import { TextLink } from '../parts/links'
import { Screen } from '../parts/Screen'
import { Forbidden } from '../parts/states'
import { toast } from '../parts/toast'
import { useMay } from '../session/api'
import { createUser, userQuery } from './api'
import { UserForm } from './UserForm'

/** NewUserScreen creates an account and leads to it. */
export function NewUserScreen() {
  const queryClient = useQueryClient()
  const navigate = useNavigate()
  const may = useMay('admin')
  const { mutate, isPending, error } = useMutation({
    mutationFn: createUser,
    onSuccess: (user) => {
      queryClient.setQueryData(userQuery(user.id).queryKey, user)
      void queryClient.invalidateQueries({ queryKey: ['users'] })
      toast(`${user.username} is stored`)
      void navigate({ to: '/users/$id', params: { id: String(user.id) } })
    },
  })
  return (
    <Screen title="New user" above={<TextLink to="/users">Users</TextLink>}>
      {may ? (
        <>
          <Text size="sm" c="dimmed">
            A password is set on the server: <code>labledger user password NAME</code>. Without one nobody can sign in as this user.
          </Text>
          <UserForm start={{ role: 'viewer' }} submit={mutate} cancel={() => void navigate({ to: '/users' })} saving={isPending} problem={error ? asProblem(error) : undefined} />
        </>
      ) : (
        <Forbidden />
      )}
    </Screen>
  )
}
