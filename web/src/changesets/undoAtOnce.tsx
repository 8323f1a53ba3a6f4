import type { QueryClient } from '@tanstack/react-query'

import { toProblem } from '../api/problem'
import { TextLink } from '../components/links'
import { toast } from '../components/toast'
import { type Changeset, undoChangeset } from './api'
import { describeUndo, undoVerb } from './undoText'

/** undoAtOnce undoes a change set, named by its ID or that of its request, and reports the result in a message. */
export async function undoAtOnce(queryClient: QueryClient, id: string) {
  try {
    reportUndo(queryClient, await undoChangeset(id))
  } catch (error) {
    void queryClient.invalidateQueries()
    toast(`Not undone. ${toProblem(error).message}`, {
      kind: 'error',
      link: (
        <TextLink to="/activity/$id" params={{ id }} underline="always" inherit>
          View in Activity
        </TextLink>
      ),
    })
  }
}

/** dryRunKey is the first part of the query keys of dry runs. */
export const dryRunKey = 'undo'

/** reportUndo reports a change set that undid another one, and offers the opposite. It refreshes all lists. */
export function reportUndo(queryClient: QueryClient, undo: Changeset) {
  // An undo may have changed rows of all tables. The dry run of an open dialog would fail now.
  void queryClient.invalidateQueries({ predicate: ({ queryKey }) => queryKey[0] !== dryRunKey })
  toast(describeUndo(undo), {
    onUndo: () => void undoAtOnce(queryClient, String(undo.id)),
    undoLabel: undoVerb(undo),
  })
}
