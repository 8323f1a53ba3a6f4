import { type RefObject, useLayoutEffect, useState } from 'react'

/**
 * useElementOffset returns the distance in px from the top of the page to an element, and the size of a rem in px. It
 * measures again when the layout changes.
 */
export function useElementOffset(elementRef: RefObject<Element | null>): { top: number; rem: number } {
  const [offset, setOffset] = useState({ top: 0, rem: 16 })
  useLayoutEffect(() => {
    const measure = () => {
      const top = Math.round((elementRef.current?.getBoundingClientRect().top ?? 0) + scrollY)
      const rem = parseFloat(getComputedStyle(document.documentElement).fontSize)
      setOffset((current) => (current.top === top && current.rem === rem ? current : { top, rem }))
    }
    measure()
    const observer = new ResizeObserver(measure)
    observer.observe(document.body)
    return () => observer.disconnect()
  }, [elementRef])
  return offset
}
