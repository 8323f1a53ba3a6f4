import { Button, Group, Stack, Text } from '@mantine/core'
import { useQueryClient } from '@tanstack/react-query'
import { useState } from 'react'

import { Dialog } from '../components/Dialog'
import { RowDetails } from '../components/RowDetails'
import { sessionQuery } from '../session/api'
import { fetchUser, updateUser, type User, type UserFields, userLabels, userQuery } from './api'
import { UserForm } from './UserForm'

/** UserDetails shows and edits a user. It asks for confirmation before it disables the user. */
export function UserDetails({ user }: { user: User }) {
  const [confirmDisable, setConfirmDisable] = useState<() => void>() // saves the form
  const queryClient = useQueryClient()
  return (
    <>
      <RowDetails<User, UserFields>
        row={user}
        canEdit
        labels={userLabels}
        fieldContent={{ disabled: user.disabled ? 'Yes' : 'No' }}
        renderForm={(props) => (
          <UserForm
            {...props}
            onSubmit={(fields) =>
              fields.disabled && !user.disabled
                ? setConfirmDisable(() => () => props.onSubmit(fields))
                : props.onSubmit(fields)
            }
          />
        )}
        editOptions={{
          queryKey: userQuery(user.id).queryKey,
          listKey: ['users'],
          isSameRow: (row) => row.id === user.id,
          fetchRow: () => fetchUser(user.id),
          updateRow: updateUser,
          // Admins can edit their own user, which changes the session.
          onSaved: () => void queryClient.invalidateQueries({ queryKey: sessionQuery.queryKey }),
        }}
      />
      {confirmDisable && (
        <Dialog title={`Disable ${user.username}?`} onClose={() => setConfirmDisable(undefined)}>
          <Stack>
            <Text>
              {user.username} is signed out everywhere and cannot sign in. All their API tokens are revoked. Enabling
              the user again does not restore sessions or tokens.
            </Text>
            <Group justify="end">
              <Button variant="default" onClick={() => setConfirmDisable(undefined)} data-autofocus>
                Cancel
              </Button>
              <Button
                color="red"
                onClick={() => {
                  setConfirmDisable(undefined)
                  confirmDisable()
                }}
              >
                Disable user
              </Button>
            </Group>
          </Stack>
        </Dialog>
      )}
    </>
  )
}
