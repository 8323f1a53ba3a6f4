import { usePermission, useSession } from '../session/api'
import type { Todo } from './api'

/**
 * useCanEditTodo returns a function that reports whether the current user can edit a todo: owners, assignees and admins
 * can. The server enforces this rule.
 */
export function useCanEditTodo(): (todo: Todo) => boolean {
  const username = useSession()?.username
  const isAdmin = usePermission('admin')
  return ({ owner, assignee }) => isAdmin || owner === username || assignee === username
}
