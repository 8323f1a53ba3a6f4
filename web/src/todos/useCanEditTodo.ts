import { useMay, useSession } from '../session/api'
import type { Todo } from './api'

/** useMine tells which todos one may change: one's own, and those that one is to do; an admin any. The server decides. */
export function useMine(): (todo: Todo) => boolean {
  const me = useSession()?.username
  const admin = useMay('admin')
  return ({ owner, assignee }) => admin || owner === me || assignee === me
}
