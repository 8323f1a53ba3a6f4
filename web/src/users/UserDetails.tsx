import { Button, Group, Stack, Text } from '@mantine/core'
import { useQueryClient } from '@tanstack/react-query'
import { useState } from 'react'

import { Dialog } from '../components/Dialog'
import { RowDetails } from '../components/RowDetails'
import { sessionQuery } from '../session/api'
import { changeUser, readUser, type User, type UserFields, userLabels, userQuery } from './api'
import { UserForm } from './UserForm'

/** UserDetails are an account's fields. Before one is disabled, it asks. */
export function UserDetails({ user }: { user: User }) {
  const [asking, ask] = useState<() => void>() // what saves it
  const queryClient = useQueryClient()
  return (
    <>
      <RowDetails<User, UserFields>
        row={user}
        may
        labels={userLabels}
        cells={{ disabled: user.disabled ? 'yes' : 'no' }}
        form={(props) => <UserForm {...props} submit={(fields) => (fields.disabled && !user.disabled ? ask(() => () => props.submit(fields)) : props.submit(fields))} />}
        options={{
          row: userQuery(user.id).queryKey,
          list: ['users'],
          same: (one) => one.id === user.id,
          read: () => readUser(user.id),
          write: changeUser,
          saved: () => void queryClient.invalidateQueries({ queryKey: sessionQuery.queryKey }), // it may have been oneself
        }}
      />
      {asking && (
        <Dialog title={`Disable ${user.username}?`} onClose={() => ask(undefined)}>
          <Stack>
            <Text>All sessions and API tokens of this account end at once, and nobody can sign in with it. They do not come back when it is enabled again.</Text>
            <Group justify="end">
              <Button variant="default" onClick={() => ask(undefined)} data-autofocus>
                Leave it
              </Button>
              <Button
                color="red"
                onClick={() => {
                  ask(undefined)
                  asking()
                }}
              >
                Disable
              </Button>
            </Group>
          </Stack>
        </Dialog>
      )}
    </>
  )
}
