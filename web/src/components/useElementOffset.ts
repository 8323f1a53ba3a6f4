import { type RefObject, useLayoutEffect, useState } from 'react'

/** usePlace is how far below the top of the page something begins, also when what is above it grows or goes, and how many px a rem has. */
export function usePlace(of: RefObject<Element | null>): { top: number; rem: number } {
  const [place, set] = useState({ top: 0, rem: 16 })
  useLayoutEffect(() => {
    const look = () => {
      const top = Math.round((of.current?.getBoundingClientRect().top ?? 0) + scrollY)
      const rem = parseFloat(getComputedStyle(document.documentElement).fontSize)
      set((known) => (known.top === top && known.rem === rem ? known : { top, rem }))
    }
    look()
    const watch = new ResizeObserver(look)
    watch.observe(document.body)
    return () => watch.disconnect()
  }, [of])
  return place
}
