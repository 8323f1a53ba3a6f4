import { type InfiniteData, type QueryClient, type QueryKey, useMutation, useQueryClient } from '@tanstack/react-query'
import { useState } from 'react'

import type { Page } from './client'
import { type Problem, toProblem } from './problem'

/**
 * Conflict describes concurrent edits: the row before the edit, the local changes, and the current row on the server.
 */
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
  /** Prefix of the query keys of lists that contain the row. */
  listKey: QueryKey
  /** Reports whether a row of such a list is this row. */
  isSameRow: (row: T) => boolean
  /** Fetches the row. */
  fetchRow: () => Promise<T>
  /** Saves the changes if the row still has the version of base. */
  updateRow: (changes: Partial<T>, base: T) => Promise<T>
  onSaved?: (savedRow: T) => void
}

export interface RowEdit<T> {
  save: (base: T, changes: Partial<T>) => void
  isSaving: boolean
  /** The rejected changes, with which the form opens again. */
  rejected: (Draft<T> & { problem: Problem }) | undefined
  conflict: Conflict<T> | undefined
  /** Clears the rejected changes and the conflict. */
  reset: () => void
}

/** updateInLists updates a row in all cached lists that contain it. The lists may have more fields than the row. */
export function updateInLists<T>(
  queryClient: QueryClient,
  listKey: QueryKey,
  isSameRow: (row: T) => boolean,
  nextRow: T,
) {
  const updatePage = (page: Page<T>) => ({
    ...page,
    rows: page.rows.map((row) => (isSameRow(row) ? { ...row, ...nextRow } : row)),
  })
  queryClient.setQueriesData<Partial<InfiniteData<Page<T>> & Page<T>>>({ queryKey: listKey }, (current) =>
    current?.pages
      ? { ...current, pages: current.pages.map(updatePage) }
      : current?.rows
        ? { ...current, ...updatePage(current as Page<T>) }
        : current,
  )
}

/**
 * useRowEdit saves a row optimistically: the change shows at once and is rolled back if the server rejects it. If
 * another user has changed the row in the meantime, it reports a conflict instead of overwriting that change.
 */
export function useRowEdit<T extends { version: number }>({
  queryKey,
  listKey,
  isSameRow,
  fetchRow,
  updateRow,
  onSaved,
}: EditOptions<T>): RowEdit<T> {
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
      await queryClient.cancelQueries({ queryKey }) // a response in flight would overwrite the change
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
          problem = toProblem(readError) // the row was deleted, or the connection was lost
        }
      }
      setRejected({ ...draft, problem })
    },
    onSettled: () => {
      void queryClient.invalidateQueries({ refetchType: 'none' }) // other queries may contain the name of the row
      void queryClient.invalidateQueries({ queryKey: listKey })
      void queryClient.invalidateQueries({ queryKey })
    },
  })
  return { save: (base, changes) => mutate({ base, changes }), isSaving: isPending, rejected, conflict, reset }
}
