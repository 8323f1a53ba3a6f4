import { useEffect, useState } from 'react'

/** useReturnFocus returns the focus to the previous element when the component unmounts, unless it is elsewhere. */
export function useReturnFocus() {
  const [previousFocus] = useState(() => document.activeElement)
  useEffect(
    () => () => {
      if (previousFocus instanceof HTMLElement)
        setTimeout(() => document.activeElement === document.body && previousFocus.focus())
    },
    [previousFocus],
  )
}
