import { Button, Group, Stack, Text } from '@mantine/core'
import { useQueryClient } from '@tanstack/react-query'
import { useState } from 'react'

import { Dialog } from '../components/Dialog'
import { RowDetails } from '../components/RowDetails'
import { sessionQuery } from '../session/api'
import { fetchUser, formatUserField, updateUser, type User, type UserFields, userLabels, userQuery } from './api'
import { UserForm } from './UserForm'

/** UserDetails shows and edits a user. It asks for confirmation before it deactivates the user. */
export function UserDetails({ user }: { user: User }) {
  const [deactivate, setDeactivate] = useState<() => void>() // saves the form
  const queryClient = useQueryClient()
  const name = user.display_name ?? user.username
  return (
    <>
      <RowDetails<User, UserFields>
        row={user}
        canEdit
        labels={userLabels}
        titleField="display_name"
        fieldContent={{ disabled: user.disabled ? 'Yes' : 'No' }}
        formatField={formatUserField}
        renderForm={(props) => (
          <UserForm
            {...props}
            onSubmit={(fields) =>
              fields.disabled && !user.disabled
                ? setDeactivate(() => () => props.onSubmit(fields))
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
      {deactivate && (
        <Dialog title={`Deactivate ${name}?`} onClose={() => setDeactivate(undefined)}>
          <Stack>
            <Text>
              {name} is signed out everywhere and cannot sign in. All their API tokens are revoked. Activating the user
              again does not restore sessions or tokens.
            </Text>
            <Group justify="end">
              <Button variant="default" onClick={() => setDeactivate(undefined)} data-autofocus>
                Cancel
              </Button>
              <Button
                color="red"
                onClick={() => {
                  setDeactivate(undefined)
                  deactivate()
                }}
              >
                Deactivate
              </Button>
            </Group>
          </Stack>
        </Dialog>
      )}
    </>
  )
}
