import type { KeyboardEvent } from 'react'

/** moveRowFocus moves the focus between the links of rows with the arrow keys. */
export function moveRowFocus(event: KeyboardEvent) {
  const sibling = { ArrowDown: 'nextElementSibling', ArrowUp: 'previousElementSibling' }[event.key] as
    'nextElementSibling' | undefined
  if (!sibling || !(event.target instanceof HTMLElement) || !['A', 'BUTTON'].includes(event.target.tagName)) return
  const link = event.target.closest('[role=row]')?.[sibling]?.querySelector<HTMLElement>('a, button')
  if (!link) return
  event.preventDefault()
  link.focus()
}
