import { type RefObject, useEffect, useRef } from 'react'

interface Row {
  id: string
}

/**
 * useCursor goes through a table by keys: where the focus is, is where one is. Links of rows have data-row, the row's id. When the row goes, as
 * an acknowledged alert leaves the open ones, the next one has the focus, so that one can go on.
 */
export function useCursor<T extends Row>(frame: RefObject<HTMLElement | null>, rows: T[]) {
  const lastAt = useRef<string>(undefined)
  const before = useRef<T[]>([])
  const idAt = () => document.activeElement?.closest('tr')?.querySelector<HTMLElement>('[data-row]')?.dataset.row
  const link = (id: string | undefined) => frame.current?.querySelector<HTMLElement>(`[data-row="${id}"]`)

  const at = () => {
    const id = idAt()
    return rows.find((row) => row.id === id)
  }
  const step = (by: 1 | -1) => {
    const links = [...(frame.current?.querySelectorAll<HTMLElement>('[data-row]') ?? [])]
    const i = links.findIndex(({ dataset }) => dataset.row === idAt())
    const next = i < 0 ? (link(lastAt.current) ?? links[0]) : links[i + by]
    next?.focus()
  }
  useEffect(() => {
    const look = () => {
      const id = idAt()
      if (id && frame.current?.contains(document.activeElement)) lastAt.current = id
    }
    document.addEventListener('focusin', look)
    return () => document.removeEventListener('focusin', look)
  }, [frame])
  useEffect(() => {
    const known = before.current
    before.current = rows
    const i = known.findIndex(({ id }) => id === lastAt.current)
    if (i < 0 || rows.some(({ id }) => id === lastAt.current)) return
    const left = new Set(rows.map(({ id }) => id))
    const heir = [...known.slice(i + 1), ...known.slice(0, i).reverse()].find(({ id }) => left.has(id))
    lastAt.current = heir?.id
    if (document.activeElement === document.body) link(heir?.id)?.focus()
    // oxlint-disable-next-line react/exhaustive-deps -- link reads what is there now
  }, [rows])
  return { step, at }
}
