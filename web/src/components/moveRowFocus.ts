import type { KeyboardEvent } from 'react'

/** moveRowFocus moves the focus between the links, or between the checkboxes, of rows with the arrow keys. */
export function moveRowFocus(event: KeyboardEvent) {
  const sibling = { ArrowDown: 'nextElementSibling', ArrowUp: 'previousElementSibling' }[event.key] as
    'nextElementSibling' | undefined
  if (!sibling || !(event.target instanceof HTMLElement)) return
  const selector = event.target instanceof HTMLInputElement ? 'input[type=checkbox]' : 'a, button'
  if (!event.target.matches(selector)) return
  const next = event.target.closest('[role=row]')?.[sibling]?.querySelector<HTMLElement>(selector)
  if (!next) return
  event.preventDefault()
  next.focus()
}
