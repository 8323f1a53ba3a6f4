import { useMutation, useQueryClient } from '@tanstack/react-query'
import { useEffect, useRef } from 'react'

import { toProblem } from '../api/problem'
import { toast } from '../components/toast'
import { patchSelection, type Selection } from '../grid/selection'
import type { Alert } from './api'

interface Props {
  selection: Selection<Alert>
  changes: Partial<Alert>
  /** Describes the result for the number of alerts that were changed: "30 alerts closed". */
  describeResult: (count: number) => string
  onDone: (isSaved: boolean) => void
}

/** MatchingUpdate updates all alerts that match the filters in one request. All of them change, or none. */
export function MatchingUpdate({ selection, changes, describeResult, onDone }: Props) {
  const queryClient = useQueryClient()
  const { mutate } = useMutation({
    mutationFn: () => patchSelection('alerts', selection, changes),
    onSuccess: ({ matched }) => toast(describeResult(matched)),
    onError: (error) => toast(`No alert was changed. ${toProblem(error).message}`, 'error'),
    onSettled: (_, error) => {
      void queryClient.invalidateQueries({ queryKey: ['alerts'] })
      void queryClient.invalidateQueries({ queryKey: ['alert'] })
      onDone(error === null)
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
