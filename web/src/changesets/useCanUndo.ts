import { usePermission, useSession } from '../session/api'
import type { Changeset } from './api'

/** useCanUndo returns a function that reports whether the user may undo a change set, if the server can. */
export function useCanUndo(): (changeset: Pick<Changeset, 'actor'>) => boolean {
  const username = useSession()?.username
  const canEdit = usePermission('operator')
  const isAdmin = usePermission('admin')
  return ({ actor }) => canEdit && (isAdmin || actor === username)
}
