import { type InfiniteData, type QueryClient, type QueryKey, useMutation, useQueryClient } from '@tanstack/react-query'
import { useState } from 'react'

import type { Page } from './client'
import { type Problem, toProblem } from './problem'

/** A Conflict is what one has when somebody else was faster: the row one began with, one's changes, and the row as it is now. */
export interface Conflict<T> {
  base: T
  local: Partial<T>
  remote: T
}

interface Draft<T> {
  base: T
  changes: Partial<T>
}

export interface EditOptions<T> {
  /** Query key of the row. */
  queryKey: QueryKey
  /** Beginning of the query keys of lists that show it. */
  listKey: QueryKey
  /** Tells whether a row of such a list is this one. */
  isSameRow: (row: T) => boolean
  /** Reads the row. */
  fetchRow: () => Promise<T>
  /** Writes changes, if the row is still what base says. */
  updateRow: (changes: Partial<T>, base: T) => Promise<T>
  onSaved?: (queryKey: T) => void
}

export interface RowEdit<T> {
  save: (base: T, changes: Partial<T>) => void
  isSaving: boolean
  /** What was refused; the form opens again with it. */
  rejected: (Draft<T> & { problem: Problem }) | undefined
  conflict: Conflict<T> | undefined
  /** Forgets what was refused or in conflict. */
  reset: () => void
}

/** updateInLists shows a row as it is now in the lists that have it. */
export function updateInLists<T>(queryClient: QueryClient, listKey: QueryKey, isSameRow: (row: T) => boolean, nextRow: T) {
  queryClient.setQueriesData<InfiniteData<Page<T>>>({ queryKey: listKey }, (current) =>
    current?.pages ? { ...current, pages: current.pages.map((page) => ({ ...page, rows: page.rows.map((row) => (isSameRow(row) ? nextRow : row)) })) } : current,
  )
}

/** useRowEdit writes a row so that it shows at once, is taken back when the server refuses, and never overwrites what somebody else did meanwhile. */
export function useRowEdit<T extends { version: number }>({ queryKey, listKey, isSameRow, fetchRow, updateRow, onSaved }: EditOptions<T>): RowEdit<T> {
  const queryClient = useQueryClient()
  const [conflict, setConflict] = useState<Conflict<T>>()
  const [rejected, setRejected] = useState<Draft<T> & { problem: Problem }>()
  const reset = () => {
    setConflict(undefined)
    setRejected(undefined)
  }
  const updateCache = (nextRow: T) => {
    queryClient.setQueryData(queryKey, nextRow)
    updateInLists(queryClient, listKey, isSameRow, nextRow)
  }
  const { mutate, isPending } = useMutation({
    mutationFn: ({ base, changes }: Draft<T>) => updateRow(changes, base),
    onMutate: async ({ base, changes }) => {
      reset()
      await queryClient.cancelQueries({ queryKey }) // an older answer would hide the change
      const previousRow = queryClient.getQueryData<T>(queryKey)
      updateCache({ ...(previousRow ?? base), ...changes })
      return { previousRow: previousRow ?? base }
    },
    onSuccess: (nextRow) => {
      updateCache(nextRow)
      onSaved?.(nextRow)
    },
    onError: async (error, draft, context) => {
      if (context) updateCache(context.previousRow)
      let problem = toProblem(error)
      if (problem.status === 412) {
        try {
          const remote = await fetchRow()
          updateCache(remote)
          setConflict({ base: draft.base, local: draft.changes, remote })
          return
        } catch (readError) {
          problem = toProblem(readError) // it was deleted, or there is no connection any more
        }
      }
      setRejected({ ...draft, problem })
    },
    onSettled: () => {
      void queryClient.invalidateQueries({ refetchType: 'none' }) // elsewhere its name may stand, too
      void queryClient.invalidateQueries({ queryKey: listKey })
      void queryClient.invalidateQueries({ queryKey })
    },
  })
  return { save: (base, changes) => mutate({ base, changes }), isSaving: isPending, rejected, conflict, reset }
}
