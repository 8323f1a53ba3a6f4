import { type KeyboardEvent, useId, useState } from 'react'

/** useListbox implements the WAI-ARIA combobox: arrow keys move through the options, the focus stays in the field. */
export function useListbox(count: number, onSelect: (index: number) => void) {
  const id = useId()
  const [index, setActiveIndex] = useState(0)
  const activeIndex = Math.min(index, count - 1)
  const onKeyDown = (event: KeyboardEvent) => {
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key]
    if (count === 0 || (!step && event.key !== 'Enter')) return
    event.preventDefault()
    if (step) setActiveIndex((activeIndex + step + count) % count)
    else onSelect(activeIndex)
  }
  return {
    activeIndex,
    setActiveIndex,
    onKeyDown,
    inputProps: {
      role: 'combobox',
      'aria-controls': id,
      'aria-activedescendant': activeIndex >= 0 ? `${id}-${activeIndex}` : undefined,
      autoComplete: 'off',
    } as const,
    listProps: { id, role: 'listbox' } as const,
    getOptionProps: (optionIndex: number) =>
      ({
        id: `${id}-${optionIndex}`,
        role: 'option',
        'aria-selected': optionIndex === activeIndex,
        tabIndex: -1,
        onMouseMove: () => setActiveIndex(optionIndex),
      }) as const,
  }
}
