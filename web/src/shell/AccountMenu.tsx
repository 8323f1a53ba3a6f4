import {
  ActionIcon,
  Button,
  type ButtonProps,
  Divider,
  Popover,
  Stack,
  Text,
  useComputedColorScheme,
  useMantineColorScheme,
} from '@mantine/core'
import { useState } from 'react'

import { toProblem } from '../api/problem'
import { Icon } from '../components/icons'
import { ButtonLink } from '../components/links'
import { toast } from '../components/toast'
import { initials } from '../people/api'
import { PersonAvatar, usePersonName } from '../people/PersonName'
import { postSignOut, useSession } from '../session/api'
import { useSignOut } from '../session/useSignOut'

/** AccountMenu shows the username and role, and signs out. On an open server there is no sign-in. */
export function AccountMenu({ onShowHelp }: { onShowHelp: () => void }) {
  const session = useSession()
  const clearSession = useSignOut()
  const personName = usePersonName()
  const { setColorScheme } = useMantineColorScheme()
  const isDark = useComputedColorScheme('light') === 'dark'
  const [isOpen, setIsOpen] = useState(false)
  const handleSignOut = async () => {
    try {
      await postSignOut()
    } catch (error) {
      return toast(`You are still signed in. ${toProblem(error).message}`, 'error')
    }
    await clearSession()
  }
  const name = personName(session?.username ?? '')
  const close = () => setIsOpen(false)
  const entry = { ...entryProps, onClick: close }
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
        <ActionIcon variant="transparent" size="lg" aria-label={`Account ${initials(name)}`} onClick={() => setIsOpen(!isOpen)}>
          <PersonAvatar name={name} size={30} />
        </ActionIcon>
      </Popover.Target>
      <Popover.Dropdown aria-label="Account" tabIndex={-1} data-autofocus p="xs">
        <Stack gap={2}>
          <Text size="sm" px="xs" pt={4}>
            {session?.signed_in ? 'Signed in as' : 'Acting as'} <b>{name}</b> ({session?.role})
          </Text>
          {!session?.signed_in && (
            <Text size="xs" c="dimmed" px="xs">
              This server runs without sign-in: everyone has full access.
            </Text>
          )}
          <Divider my={6} />
          {session?.signed_in && (
            <ButtonLink {...entry} to="/account" leftSection={<Icon name="user" size={16} />}>
              Your account
            </ButtonLink>
          )}
          <ButtonLink {...entry} to="/settings" leftSection={<Icon name="settings" size={16} />}>
            Settings
          </ButtonLink>
          <Button
            {...entryProps}
            leftSection={<Icon name={isDark ? 'sun' : 'moon'} size={16} />}
            onClick={() => setColorScheme(isDark ? 'light' : 'dark')}
          >
            {isDark ? 'Light theme' : 'Dark theme'}
          </Button>
          <Button
            {...entryProps}
            leftSection={<Icon name="keyboard" size={16} />}
            visibleFrom="sm"
            onClick={() => {
              close()
              onShowHelp()
            }}
          >
            Keyboard shortcuts
          </Button>
          {session?.signed_in && (
            <>
              <Divider my={6} />
              <Button
                {...entryProps}
                leftSection={<Icon name="signOut" size={16} />}
                onClick={() => void handleSignOut()}
              >
                Sign out
              </Button>
            </>
          )}
        </Stack>
      </Popover.Dropdown>
    </Popover>
  )
}

const entryProps: ButtonProps = {
  variant: 'subtle',
  color: 'gray',
  c: 'var(--text)',
  justify: 'start',
  fullWidth: true,
  px: 'xs',
}
