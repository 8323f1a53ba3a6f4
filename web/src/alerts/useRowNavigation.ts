import { type RefObject, useEffect, useRef } from 'react'

interface RowWithId {
  id: string
}

/**
 * useRowNavigation moves the keyboard focus between the rows of a RowTable, whose attribute data-row is the ID. When the focused row disappears, for example an acknowledged alert from the open
 * ones, the next row gets the focus.
 */
export function useRowNavigation<T extends RowWithId>(containerRef: RefObject<HTMLElement | null>, rows: T[]) {
  const lastFocusedId = useRef<string>(undefined)
  const previousRows = useRef<T[]>([])
  const focusedRowId = () => document.activeElement?.closest<HTMLElement>('[data-row]')?.dataset.row
  const findLink = (id: string | undefined) => containerRef.current?.querySelector<HTMLElement>(`[data-row="${id}"] a`)

  const getFocusedRow = () => {
    const id = focusedRowId()
    return rows.find((row) => row.id === id)
  }
  const moveFocus = (offset: 1 | -1) => {
    const links = [...(containerRef.current?.querySelectorAll<HTMLElement>('[data-row] :is(th, td) > a') ?? [])]
    const index = links.findIndex((link) => link.closest<HTMLElement>('[data-row]')?.dataset.row === focusedRowId())
    const next = index < 0 ? (findLink(lastFocusedId.current) ?? links[0]) : links[index + offset]
    next?.focus()
  }
  useEffect(() => {
    const rememberFocus = () => {
      const id = focusedRowId()
      if (id && containerRef.current?.contains(document.activeElement)) lastFocusedId.current = id
    }
    document.addEventListener('focusin', rememberFocus)
    return () => document.removeEventListener('focusin', rememberFocus)
  }, [containerRef])
  useEffect(() => {
    const previous = previousRows.current
    previousRows.current = rows
    const index = previous.findIndex(({ id }) => id === lastFocusedId.current)
    if (index < 0 || rows.some(({ id }) => id === lastFocusedId.current)) return
    const remainingIds = new Set(rows.map(({ id }) => id))
    const nextRow = [...previous.slice(index + 1), ...previous.slice(0, index).reverse()].find(({ id }) =>
      remainingIds.has(id),
    )
    lastFocusedId.current = nextRow?.id
    if (document.activeElement === document.body) findLink(nextRow?.id)?.focus()
    // oxlint-disable-next-line react/exhaustive-deps -- findLink reads the current DOM
  }, [rows])
  return { moveFocus, getFocusedRow }
}
