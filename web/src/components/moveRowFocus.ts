import type { KeyboardEvent } from 'react'

/** stepRows lets the arrows go up and down between the links of rows. */
export function stepRows(event: KeyboardEvent) {
  const step = { ArrowDown: 'nextElementSibling', ArrowUp: 'previousElementSibling' }[event.key] as 'nextElementSibling' | undefined
  if (!step || !(event.target instanceof HTMLElement) || !['A', 'BUTTON'].includes(event.target.tagName)) return
  const link = event.target.closest('[role=row]')?.[step]?.querySelector<HTMLElement>('a, button')
  if (!link) return
  event.preventDefault()
  link.focus()
}
