import { type InfiniteData, type QueryClient, type QueryKey, useMutation, useQueryClient } from '@tanstack/react-query'
import { useState } from 'react'

import type { Page } from './client'
import { asProblem, type Problem } from './problem'

/** A Conflict is what one has when somebody else was faster: the row one began with, one's changes, and the row as it is now. */
export interface Conflict<T> {
  base: T
  mine: Partial<T>
  theirs: T
}

interface Draft<T> {
  base: T
  changes: Partial<T>
}

export interface EditOptions<T> {
  /** Query key of the row. */
  row: QueryKey
  /** Beginning of the query keys of lists that show it. */
  list: QueryKey
  /** Tells whether a row of such a list is this one. */
  same: (one: T) => boolean
  /** Reads the row. */
  read: () => Promise<T>
  /** Writes changes, if the row is still what base says. */
  write: (changes: Partial<T>, base: T) => Promise<T>
  saved?: (row: T) => void
}

export interface RowEdit<T> {
  save: (base: T, changes: Partial<T>) => void
  saving: boolean
  /** What was refused; the form opens again with it. */
  refused: (Draft<T> & { problem: Problem }) | undefined
  conflict: Conflict<T> | undefined
  /** Forgets what was refused or in conflict. */
  drop: () => void
}

/** showInLists shows a row as it is now in the lists that have it. */
export function showInLists<T>(queryClient: QueryClient, list: QueryKey, same: (one: T) => boolean, next: T) {
  queryClient.setQueriesData<InfiniteData<Page<T>>>({ queryKey: list }, (known) =>
    known?.pages ? { ...known, pages: known.pages.map((page) => ({ ...page, rows: page.rows.map((one) => (same(one) ? next : one)) })) } : known,
  )
}

/** useRowEdit writes a row so that it shows at once, is taken back when the server refuses, and never overwrites what somebody else did meanwhile. */
export function useRowEdit<T extends { version: number }>({ row, list, same, read, write, saved }: EditOptions<T>): RowEdit<T> {
  const queryClient = useQueryClient()
  const [conflict, setConflict] = useState<Conflict<T>>()
  const [refused, setRefused] = useState<Draft<T> & { problem: Problem }>()
  const drop = () => {
    setConflict(undefined)
    setRefused(undefined)
  }
  const show = (next: T) => {
    queryClient.setQueryData(row, next)
    showInLists(queryClient, list, same, next)
  }
  const { mutate, isPending } = useMutation({
    mutationFn: ({ base, changes }: Draft<T>) => write(changes, base),
    onMutate: async ({ base, changes }) => {
      drop()
      await queryClient.cancelQueries({ queryKey: row }) // an older answer would hide the change
      const before = queryClient.getQueryData<T>(row)
      show({ ...(before ?? base), ...changes })
      return { before: before ?? base }
    },
    onSuccess: (next) => {
      show(next)
      saved?.(next)
    },
    onError: async (thrown, draft, kept) => {
      if (kept) show(kept.before)
      let problem = asProblem(thrown)
      if (problem.status === 412) {
        try {
          const theirs = await read()
          show(theirs)
          setConflict({ base: draft.base, mine: draft.changes, theirs })
          return
        } catch (again) {
          problem = asProblem(again) // it was deleted, or there is no connection any more
        }
      }
      setRefused({ ...draft, problem })
    },
    onSettled: () => {
      void queryClient.invalidateQueries({ refetchType: 'none' }) // elsewhere its name may stand, too
      void queryClient.invalidateQueries({ queryKey: list })
      void queryClient.invalidateQueries({ queryKey: row })
    },
  })
  return { save: (base, changes) => mutate({ base, changes }), saving: isPending, refused, conflict, drop }
}
