import { useMutation, useQueryClient } from '@tanstack/react-query'
import { useEffect, useRef } from 'react'

import { toProblem } from '../api/problem'
import { toast } from '../components/toast'
import type { Selection } from '../grid/selection'
import type { Alert } from './api'
import { bulkUpdate } from './bulkUpdate'
import { countAlerts } from './countAlerts'
import { undoAlerts } from './undoAlerts'

interface Props {
  selection: Selection<Alert>
  changes: Partial<Alert>
  /** Describes the result for the number of alerts that were changed: "30 alerts closed". */
  describeResult: (count: number) => string
  onDone: () => void
}

/** BulkAlertUpdate changes the selected alerts in one request, and offers to undo it. */
export function BulkAlertUpdate({ selection, changes, describeResult, onDone }: Props) {
  const queryClient = useQueryClient()
  const { mutate } = useMutation({
    mutationFn: () => bulkUpdate(selection, changes),
    onSuccess: ({ matched, undo }) => {
      const missed = selection.count - matched
      const note = missed > 0 ? `. ${countAlerts(missed)} ${missed === 1 ? 'was' : 'were'} not changed` : ''
      toast(describeResult(matched) + note, { onUndo: undo && (() => void undoAlerts(queryClient, undo)) })
    },
    onError: (error) => toast(`No alert was changed. ${toProblem(error).message}`, 'error'),
    onSettled: () => {
      for (const queryKey of [['alerts'], ['alert']]) void queryClient.invalidateQueries({ queryKey })
      onDone()
    },
  })
  const hasStarted = useRef(false)
  useEffect(() => {
    if (hasStarted.current) return
    hasStarted.current = true
    mutate()
  }, [mutate])
  return null
}
