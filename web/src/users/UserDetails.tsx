import { Button, Group, Stack, Text } from '@mantine/core'
import { useQueryClient } from '@tanstack/react-query'
import { useState } from 'react'

import { Dialog } from '../components/Dialog'
import { RowDetails } from '../components/RowDetails'
import { sessionQuery } from '../session/api'
import { fetchUser, updateUser, type User, type UserFields, userLabels, userQuery } from './api'
import { UserForm } from './UserForm'

/** UserDetails are an account's fields. Before one is disabled, it asks. */
export function UserDetails({ user }: { user: User }) {
  const [confirmDisable, setConfirmDisable] = useState<() => void>() // what saves it
  const queryClient = useQueryClient()
  return (
    <>
      <RowDetails<User, UserFields>
        row={user}
        canEdit
        labels={userLabels}
        fieldContent={{ disabled: user.disabled ? 'yes' : 'no' }}
        renderForm={(props) => <UserForm {...props} onSubmit={(fields) => (fields.disabled && !user.disabled ? setConfirmDisable(() => () => props.onSubmit(fields)) : props.onSubmit(fields))} />}
        editOptions={{
          queryKey: userQuery(user.id).queryKey,
          listKey: ['users'],
          isSameRow: (row) => row.id === user.id,
          fetchRow: () => fetchUser(user.id),
          updateRow: updateUser,
          onSaved: () => void queryClient.invalidateQueries({ queryKey: sessionQuery.queryKey }), // it may have been oneself
        }}
      />
      {confirmDisable && (
        <Dialog title={`Disable ${user.username}?`} onClose={() => setConfirmDisable(undefined)}>
          <Stack>
            <Text>All sessions and API tokens of this account end at once, and nobody can sign in with it. They do not come back when it is enabled again.</Text>
            <Group justify="end">
              <Button variant="default" onClick={() => setConfirmDisable(undefined)} data-autofocus>
                Leave it
              </Button>
              <Button
                color="red"
                onClick={() => {
                  setConfirmDisable(undefined)
                  confirmDisable()
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
