import { useQueryClient } from '@tanstack/react-query'
import { useNavigate } from '@tanstack/react-router'

import { forgetVisits } from '../search/recentVisits'
import { useSession } from './api'

/** useSignOut leads out when one's session has ended, and leaves nothing of it behind for whoever comes next. */
export function useSignOut(): () => Promise<void> {
  const queryClient = useQueryClient()
  const navigate = useNavigate()
  const username = useSession()?.username
  return async () => {
    if (username) forgetVisits(username)
    queryClient.clear()
    await navigate({ to: '/sign-in' })
  }
}
