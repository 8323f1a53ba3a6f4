import { usePermission, useSession } from '../session/api'
import type { Todo } from './api'

/** useCanEditTodo tells which todos one may change: one's own, and those that one is to do; an admin any. The server decides. */
export function useCanEditTodo(): (todo: Todo) => boolean {
  const username = useSession()?.username
  const isAdmin = usePermission('admin')
  return ({ owner, assignee }) => isAdmin || owner === username || assignee === username
}
