import { type ChangeEvent, useRef } from 'react'

import type { Grid } from '../grid/useGrid'
import type { Alert } from './api'

/**
 * useRangeSelection returns a function that handles the checkbox of an alert. With Shift, it applies to all alerts
 * between this one and the last one, in the order on the screen, which groups change.
 */
export function useRangeSelection(grid: Grid<Alert>, order: readonly Alert[]) {
  const anchor = useRef<string>(undefined)
  return (id: string, { currentTarget, nativeEvent }: ChangeEvent<HTMLInputElement>) => {
    const ids = order.map((alert) => alert.id)
    const [first = -1, last = -1] = [ids.indexOf(anchor.current ?? ''), ids.indexOf(id)].toSorted((a, b) => a - b)
    const isRange = (nativeEvent as MouseEvent).shiftKey && first >= 0
    anchor.current = id
    const selected = new Set(grid.selection.rows.map((alert) => alert.id))
    for (const changedId of isRange ? ids.slice(first, last + 1) : [id])
      if (currentTarget.checked) selected.add(changedId)
      else selected.delete(changedId)
    grid.select([...selected])
  }
}
