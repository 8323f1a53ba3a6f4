import { ActionIcon, Menu } from '@mantine/core'
import { useQueryClient } from '@tanstack/react-query'
import { useNavigate } from '@tanstack/react-router'

import { asProblem } from '../api/problem'
import { Icon } from '../parts/icons'
import { toast } from '../parts/toast'
import { signOut, useSession } from '../session/api'

/** AccountMenu tells who one is, and leads out. On an open server nobody has signed in. */
export function AccountMenu() {
  const session = useSession()
  const queryClient = useQueryClient()
  const navigate = useNavigate()
  const leave = async () => {
    try {
      await signOut()
    } catch (thrown) {
      return toast(`You are still signed in: ${asProblem(thrown).message}`, 'bad')
    }
    queryClient.clear() // nothing of it for whoever comes next
    await navigate({ to: '/sign-in' })
  }
  return (
    <Menu position="bottom-end">
      <Menu.Target>
        <ActionIcon variant="default" size="lg" aria-label={`Account ${session?.username ?? ''}`}>
          <Icon name="user" />
        </ActionIcon>
      </Menu.Target>
      <Menu.Dropdown>
        <Menu.Label>
          {session?.username}, {session?.role}
          {session?.open && !session.signed_in && ': this server is open to everyone who reaches it'}
        </Menu.Label>
        {session?.signed_in && (
          <Menu.Item leftSection={<Icon name="leave" size={16} />} onClick={() => void leave()}>
            Sign out
          </Menu.Item>
        )}
      </Menu.Dropdown>
    </Menu>
  )
}
