import { Button, Card, Group, SimpleGrid, Stack, Text } from '@mantine/core'
import { useQueryClient } from '@tanstack/react-query'
import { useEffect, useRef, useState } from 'react'

import { useRowEdit } from '../api/edit'
import { ConflictDialog } from '../parts/ConflictDialog'
import { Dialog } from '../parts/Dialog'
import { changed } from '../parts/form'
import { shown } from '../parts/shown'
import { Part } from '../parts/states'
import { toast } from '../parts/toast'
import { sessionQuery } from '../session/api'
import { useShortcut } from '../shell/shortcuts'
import { changeUser, readUser, type User, userFields, userLabels, userQuery } from './api'
import { UserForm } from './UserForm'

interface Draft {
  base: User
  changes: Partial<User>
}

/** UserDetails are an account's fields, to read or to edit. Before one is disabled, it asks. */
export function UserDetails({ user }: { user: User }) {
  const [base, setBase] = useState<User>() // the account as it was when one began to edit
  const [asking, ask] = useState<Draft>()
  const button = useRef<HTMLButtonElement>(null)
  const queryClient = useQueryClient()
  const edit = useRowEdit<User>({
    row: userQuery(user.id).queryKey,
    list: ['users'],
    same: (one) => one.id === user.id,
    read: () => readUser(user.id),
    write: changeUser,
    saved: () => {
      toast('Saved')
      void queryClient.invalidateQueries({ queryKey: sessionQuery.queryKey }) // it may have been oneself
    },
  })
  const begin = () => {
    if (!edit.saving) setBase(user)
  }
  const end = () => {
    setBase(undefined)
    ask(undefined)
    edit.drop()
  }
  const save = (from: User, changes: Partial<User>) => {
    end()
    if (Object.keys(changes).length > 0) edit.save(from, changes)
  }
  useShortcut('e', 'Edit', begin, !base)
  const { refused, conflict } = edit
  const editing = refused?.base ?? base
  const edited = useRef(false)
  useEffect(() => {
    if (edited.current && !editing) button.current?.focus() // where one came from
    edited.current = Boolean(editing)
  }, [editing])
  const submit = (from: User, changes: Partial<User>) => {
    if (changes.disabled) ask({ base: from, changes })
    else save(from, changes)
  }
  return (
    <Part
      title="Details"
      id="details"
      actions={
        !editing && (
          <Button ref={button} variant="default" onClick={begin} aria-disabled={edit.saving}>
            {edit.saving ? 'Saving…' : 'Edit'}
          </Button>
        )
      }
    >
      <Card withBorder>
        {editing ? (
          <UserForm start={{ ...editing, ...refused?.changes }} problem={refused?.problem} submit={(fields) => submit(editing, changed(editing, fields))} cancel={end} />
        ) : (
          <SimpleGrid component="dl" cols={{ base: 1, sm: 2 }} m={0}>
            {userFields.map((name) => (
              <div key={name}>
                <Text component="dt" size="sm" c="dimmed">
                  {userLabels[name]}
                </Text>
                <Text component="dd" m={0} style={{ overflowWrap: 'anywhere' }}>
                  {name === 'disabled' ? (user.disabled ? 'yes' : 'no') : shown(user[name])}
                </Text>
              </div>
            ))}
          </SimpleGrid>
        )}
      </Card>
      {asking && (
        <Dialog title={`Disable ${asking.base.username}?`} onClose={() => ask(undefined)}>
          <Stack>
            <Text>All sessions and API tokens of this account end at once, and nobody can sign in with it. They do not come back when it is enabled again.</Text>
            <Group justify="end">
              <Button variant="default" onClick={() => ask(undefined)} data-autofocus>
                Leave it
              </Button>
              <Button color="red" onClick={() => save(asking.base, asking.changes)}>
                Disable
              </Button>
            </Group>
          </Stack>
        </Dialog>
      )}
      {conflict && <ConflictDialog conflict={conflict} labels={userLabels} keep={save} cancel={end} />}
    </Part>
  )
}
