import { Button, Group, Stack, Text } from '@mantine/core'
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query'
import { useState } from 'react'

import { toProblem } from '../api/problem'
import { Panel } from '../components/Panel'
import { QueryBoundary } from '../components/QueryBoundary'
import { StatusBadge } from '../components/StatusBadge'
import { AbsoluteTime, TimeAgo } from '../components/TimeAgo'
import { toast } from '../components/toast'
import { type Access, accessQuery, createPasswordLink, type PasswordLink, revokePasswordLink, type User } from './api'
import { newLinkKey, PasswordLinkDialog } from './PasswordLinkDialog'

/** UserAccess shows whether a user can sign in, and creates invitations and password resets. */
export function UserAccess({ user }: { user: User }) {
  const queryClient = useQueryClient()
  const query = useQuery(accessQuery(user.id))
  // The link that was created with the user.
  const [link, setLink] = useState(() => queryClient.getQueryData<PasswordLink>(newLinkKey(user.id)))
  const refresh = () => queryClient.invalidateQueries({ queryKey: accessQuery(user.id).queryKey })
  const create = useMutation({
    mutationFn: () => createPasswordLink(user.id),
    onSuccess: setLink,
    onError: (error) => toast(toProblem(error).message, 'error'),
    onSettled: refresh,
    gcTime: 0, // do not cache the token
  })
  const revoke = useMutation({
    mutationFn: () => revokePasswordLink(user.id),
    onSuccess: () => toast('Link revoked'),
    onError: (error) => toast(toProblem(error).message, 'error'),
    onSettled: refresh,
  })
  const closeDialog = () => {
    setLink(undefined)
    queryClient.removeQueries({ queryKey: newLinkKey(user.id) })
  }
  return (
    <Panel title="Sign-in" id="access">
      <QueryBoundary query={query} rows={3}>
        {(access) => (
          <Stack gap="sm">
            <AccessState user={user} access={access} />
            <Group gap="xs">
              <Button variant="default" loading={create.isPending} disabled={user.disabled} onClick={() => create.mutate()}>
                {access.has_password ? 'Reset password' : access.link_expires_at ? 'New invitation link' : 'Invite'}
              </Button>
              {access.link_expires_at && (
                <Button variant="default" loading={revoke.isPending} onClick={() => revoke.mutate()}>
                  Revoke link
                </Button>
              )}
            </Group>
          </Stack>
        )}
      </QueryBoundary>
      {link && (
        <PasswordLinkDialog
          name={user.display_name ?? user.username}
          email={user.email}
          link={link}
          onClose={closeDialog}
        />
      )}
    </Panel>
  )
}

function AccessState({ user, access }: { user: User; access: Access }) {
  const { has_password, signed_in_at, link_expires_at } = access
  return (
    <Stack gap={4}>
      <Text size="sm" component="div">
        {user.disabled ? (
          <StatusBadge tone="inactive">Deactivated</StatusBadge>
        ) : has_password ? (
          <StatusBadge tone="fine">Can sign in</StatusBadge>
        ) : link_expires_at ? (
          <StatusBadge tone="info">Invited</StatusBadge>
        ) : (
          <StatusBadge tone="warning">No password</StatusBadge>
        )}
      </Text>
      <Text size="sm">
        {signed_in_at ? (
          <>
            Last sign-in: <AbsoluteTime at={signed_in_at} /> (<TimeAgo at={signed_in_at} />)
          </>
        ) : (
          'No sign-in within the last month'
        )}
      </Text>
      {link_expires_at && (
        <Text size="sm">
          A link to choose a password is valid until <AbsoluteTime at={link_expires_at} />.
        </Text>
      )}
    </Stack>
  )
}
