import { usePeople } from '../people/api'
import { useSession } from '../session/api'
import type { Alert } from './api'

/** useCanAssignToMe returns a function that reports whether the current user can be the new assignee of an alert. */
export function useCanAssignToMe(): (alert: Alert) => boolean {
  const username = useSession()?.username ?? ''
  const isUser = usePeople()?.byUsername.has(username) ?? false // not on an open server
  return ({ assignee }) => isUser && assignee !== username
}
