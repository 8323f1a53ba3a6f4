import type { QueryClient } from '@tanstack/react-query'

import { toProblem } from '../api/problem'
import { toast } from '../components/toast'
import type { UndoResult } from './bulkUpdate'
import { countAlerts } from './countAlerts'

/** undoAlerts undoes a change of alerts and shows the result. */
export async function undoAlerts(queryClient: QueryClient, undo: () => Promise<UndoResult>) {
  try {
    const { restored, changedSince } = await undo()
    const note = changedSince > 0 ? `. ${countAlerts(changedSince)} had changed since` : ''
    if (restored > 0) toast(`${countAlerts(restored)} restored${note}`)
    else toast(`${countAlerts(changedSince)} had changed since. Nothing was undone.`, 'error')
  } catch (error) {
    toast(`Not everything could be undone. ${toProblem(error).message}`, 'error')
  }
  for (const queryKey of [['alerts'], ['alert'], ['summary']]) void queryClient.invalidateQueries({ queryKey })
}
