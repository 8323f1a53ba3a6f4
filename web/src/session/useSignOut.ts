import { useQueryClient } from '@tanstack/react-query'
import { useNavigate } from '@tanstack/react-router'

import { forget } from '../search/recentVisits'
import { useSession } from './api'

/** useLeave leads out when one's session has ended, and leaves nothing of it behind for whoever comes next. */
export function useLeave(): () => Promise<void> {
  const queryClient = useQueryClient()
  const navigate = useNavigate()
  const username = useSession()?.username
  return async () => {
    if (username) forget(username)
    queryClient.clear()
    await navigate({ to: '/sign-in' })
  }
}
