import { ActionIcon, Button, Popover, Stack, Text } from '@mantine/core'
import { useState } from 'react'

import { toProblem } from '../api/problem'
import { Icon } from '../components/icons'
import { TextLink } from '../components/links'
import { toast } from '../components/toast'
import { postSignOut, useSession } from '../session/api'
import { useSignOut } from '../session/useSignOut'

/** AccountMenu shows the username and role, and signs out. On an open server there is no sign-in. */
export function AccountMenu() {
  const session = useSession()
  const clearSession = useSignOut()
  const [isOpen, setIsOpen] = useState(false)
  const handleSignOut = async () => {
    try {
      await postSignOut()
    } catch (error) {
      return toast(`You are still signed in. ${toProblem(error).message}`, 'error')
    }
    await clearSession()
  }
  return (
    <Popover
      opened={isOpen}
      onChange={setIsOpen}
      position="bottom-end"
      trapFocus
      returnFocus
      withinPortal={false}
      width={240}
    >
      <Popover.Target>
        <ActionIcon variant="default" size="lg" aria-label="Account" onClick={() => setIsOpen(!isOpen)}>
          <Icon name="user" />
        </ActionIcon>
      </Popover.Target>
      <Popover.Dropdown aria-label="Account" tabIndex={-1} data-autofocus>
        <Stack gap="xs" align="start">
          <Text size="sm">
            {session?.signed_in ? 'Signed in as' : 'Acting as'} <b>{session?.username}</b> ({session?.role})
          </Text>
          {session?.signed_in && (
            <TextLink to="/account" onClick={() => setIsOpen(false)}>
              Your account
            </TextLink>
          )}
          {session?.signed_in ? (
            <Button
              variant="default"
              leftSection={<Icon name="signOut" size={16} />}
              onClick={() => void handleSignOut()}
            >
              Sign out
            </Button>
          ) : (
            <Text size="sm" c="dimmed">
              This server runs without sign-in: everyone has full access.
            </Text>
          )}
        </Stack>
      </Popover.Dropdown>
    </Popover>
  )
}
