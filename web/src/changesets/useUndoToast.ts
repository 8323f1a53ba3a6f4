import { useQueryClient } from '@tanstack/react-query'

import { toast } from '../components/toast'
import { usePermission } from '../session/api'
import { undoAtOnce } from './undoAtOnce'

/** useUndoToast returns a function that reports a write in a message, which offers to undo the request. */
export function useUndoToast(): (text: string, requestId: string | undefined) => void {
  const queryClient = useQueryClient()
  const canUndo = usePermission('operator')
  return (text, requestId) =>
    toast(text, {
      onUndo: canUndo && requestId !== undefined ? () => void undoAtOnce(queryClient, requestId) : undefined,
    })
}
