import { useNavigate } from '@tanstack/react-router'

import type { AsOf } from './asOf'

/** useSetAsOf returns a function that shows the screen at a time in the past, or now. Other times have other pages. */
export function useSetAsOf(): (asOf: AsOf) => void {
  const navigate = useNavigate()
  return (asOf) =>
    void navigate({
      to: '.',
      search: (current) => ({
        ...current,
        ...Object.fromEntries(
          Object.keys(current)
            .filter((name) => /(^|\.)(after|before|page)$/.test(name))
            .map((name) => [name, undefined]),
        ),
        as_of: asOf,
      }),
      resetScroll: false,
    })
}
