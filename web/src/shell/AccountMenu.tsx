import { ActionIcon, Button, Popover, Stack, Text } from '@mantine/core'
import { useState } from 'react'

import { asProblem } from '../api/problem'
import { Icon } from '../components/icons'
import { TextLink } from '../components/links'
import { toast } from '../components/toast'
import { signOut, useSession } from '../session/api'
import { useLeave } from '../session/useSignOut'

/** AccountMenu tells who one is, and leads out. On an open server nobody needs to have signed in. */
export function AccountMenu() {
  const session = useSession()
  const leave = useLeave()
  const [opened, open] = useState(false)
  const end = async () => {
    try {
      await signOut()
    } catch (thrown) {
      return toast(`You are still signed in: ${asProblem(thrown).message}`, 'bad')
    }
    await leave()
  }
  return (
    <Popover opened={opened} onChange={open} position="bottom-end" trapFocus returnFocus withinPortal={false} width={240}>
      <Popover.Target>
        <ActionIcon variant="default" size="lg" aria-label="Account" onClick={() => open(!opened)}>
          <Icon name="user" />
        </ActionIcon>
      </Popover.Target>
      <Popover.Dropdown aria-label="Account" tabIndex={-1} data-autofocus>
        <Stack gap="xs" align="start">
          <Text size="sm">
            You are <b>{session?.username}</b>, {session?.role}.
          </Text>
          {session?.signed_in && (
            <TextLink to="/account" onClick={() => open(false)}>
              Your account
            </TextLink>
          )}
          {session?.signed_in ? (
            <Button variant="default" leftSection={<Icon name="leave" size={16} />} onClick={() => void end()}>
              Sign out
            </Button>
          ) : (
            <Text size="sm" c="dimmed">
              Whoever reaches this server may do everything.
            </Text>
          )}
        </Stack>
      </Popover.Dropdown>
    </Popover>
  )
}
