import { Button } from '@mantine/core'
import { useQuery, useQueryClient } from '@tanstack/react-query'
import { useNavigate, useParams } from '@tanstack/react-router'
import { useState } from 'react'

import { ChangeList } from '../changes/ChangeList'
import { DeleteDialog } from '../parts/DeleteDialog'
import { TextLink } from '../parts/links'
import { Screen } from '../parts/Screen'
import { Forbidden, Part, Shown } from '../parts/states'
import { toast } from '../parts/toast'
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
    <Screen title={query.data?.username ?? `User ${text}`} above={<TextLink to="/users">Users</TextLink>} actions={query.data && <DeleteUser user={query.data} />}>
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

function DeleteUser({ user }: { user: User }) {
  const [asking, ask] = useState(false)
  const navigate = useNavigate()
  const queryClient = useQueryClient()
  return (
    <>
      <Button variant="default" onClick={() => ask(true)}>
        Delete
      </Button>
      {asking && (
        <DeleteDialog
          what={user.username}
          remove={(how) => deleteUser(user, how)}
          deleted={() => {
            toast(`${user.username} is deleted`)
            void navigate({ to: '/users' }).then(() => {
              queryClient.removeQueries({ queryKey: ['user', user.id] })
              void queryClient.invalidateQueries({ queryKey: ['users'] })
            })
          }}
          close={() => ask(false)}
        />
      )}
    </>
  )
}
