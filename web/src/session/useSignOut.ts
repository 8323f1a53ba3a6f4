import { useQueryClient } from '@tanstack/react-query'
import { useNavigate } from '@tanstack/react-router'

import { forgetVisits } from '../search/recentVisits'
import { useSession } from './api'

/** useSignOut returns a function that clears the data of an ended session and opens the sign-in screen. */
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
