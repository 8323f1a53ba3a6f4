import { type KeyboardEvent, useId, useState } from 'react'

/** useListbox moves through the options of a field by its arrows: a combobox, as WAI-ARIA calls it. The focus stays in the field. */
export function useListbox(count: number, choose: (index: number) => void) {
  const id = useId()
  const [at, go] = useState(0)
  const chosen = Math.min(at, count - 1)
  const press = (event: KeyboardEvent) => {
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key]
    if (count === 0 || (!step && event.key !== 'Enter')) return
    event.preventDefault()
    if (step) go((chosen + step + count) % count)
    else choose(chosen)
  }
  return {
    chosen,
    go,
    press,
    field: { role: 'combobox', 'aria-controls': id, 'aria-activedescendant': chosen >= 0 ? `${id}-${chosen}` : undefined, autoComplete: 'off' } as const,
    list: { id, role: 'listbox' } as const,
    option: (i: number) => ({ id: `${id}-${i}`, role: 'option', 'aria-selected': i === chosen, tabIndex: -1, onMouseMove: () => go(i) }) as const,
  }
}
