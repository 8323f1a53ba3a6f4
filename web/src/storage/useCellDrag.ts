import { draggable, dropTargetForElements } from '@atlaskit/pragmatic-drag-and-drop/element/adapter'
import { type RefObject, useEffect, useEffectEvent } from 'react'

import type { Content } from './api'
import type { Cell } from './positions'

/**
 * useCellDrag lets the containers of a grid be dragged to free cells of the same grid. The grid is the only drop
 * target: one for each of a thousand cells would be slow.
 */
export function useCellDrag(
  gridRef: RefObject<HTMLElement | null>,
  cells: Cell[][],
  onMove: ((content: Content, target: Cell) => void) | undefined,
) {
  const isMovable = onMove !== undefined
  const handleDrop = useEffectEvent((content: Content, target: Cell) => onMove?.(content, target))
  useEffect(() => {
    const grid = gridRef.current
    if (!grid || !isMovable) return
    const cellOf = (element: Element | null | undefined): Cell | undefined => {
      const { row, column } = element?.closest<HTMLElement>('[role=gridcell]')?.dataset ?? {}
      return cells[Number(row)]?.[Number(column)]
    }
    let marked: Element | undefined
    /** mark shows the cell under the pointer, if it is free. */
    const mark = (element: Element | undefined) => {
      marked?.removeAttribute('data-target')
      marked = element
      marked?.setAttribute('data-target', '')
    }
    const findTarget = ({ clientX, clientY }: { clientX: number; clientY: number }) => {
      // The library puts an element of its own under the pointer.
      const below = document.elementsFromPoint(clientX, clientY)
      const element = below.map((item) => item.closest('[role=gridcell]')).find((item) => item && grid.contains(item))
      return element && cellOf(element)?.state === 'free' ? element : undefined
    }
    const cleanups = [...grid.querySelectorAll<HTMLElement>('[data-uuid]')].map((element) =>
      draggable({ element, getInitialData: () => ({ grid, content: cellOf(element)?.content }) }),
    )
    cleanups.push(
      dropTargetForElements({
        element: grid,
        canDrop: ({ source }) => source.data.grid === grid,
        onDrag: ({ location }) => mark(findTarget(location.current.input)),
        onDragLeave: () => mark(undefined),
        onDrop: ({ source, location }) => {
          mark(undefined)
          const target = cellOf(findTarget(location.current.input))
          if (target && source.data.content) handleDrop(source.data.content as Content, target)
        },
      }),
    )
    return () => cleanups.forEach((cleanup) => cleanup())
  }, [gridRef, cells, isMovable])
}
