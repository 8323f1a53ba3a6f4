import { useLocalStorage } from '@mantine/hooks'
import { useEffect, useEffectEvent } from 'react'

import { store, useStore } from '../components/store'

// Keys that do something wherever the focus is, unless one types. WCAG 2.1.4 asks that keys without Ctrl or Cmd can be turned off: the help (?) does it.

export interface Shortcut {
  /** "e", "g s" (one after the other), "?" or "mod+k" (Ctrl, Cmd on a Mac). */
  keys: string
  label: string
}

interface Bound extends Shortcut {
  run: () => void
}

const bound = store<Bound[]>([])
let on = true
let before = '' // a key that waits for the second one
let beforeAt = 0

/** useShortcut binds keys while the component is there. */
export function useShortcut(keys: string, label: string, run: () => void, active = true) {
  const latest = useEffectEvent(run)
  useEffect(() => {
    if (!active) return
    const mine = { keys, label, run: () => latest() }
    bound.set([...bound.get(), mine])
    return () => bound.set(bound.get().filter((one) => one !== mine))
  }, [keys, label, active])
}

/** useShortcuts are all that work right now. */
export function useShortcuts(): Shortcut[] {
  return useStore(bound)
}

/** useSingleKeys is whether keys without Ctrl or Cmd do something, and how to say so. The shell listens by it. */
export function useSingleKeys() {
  const [wanted, want] = useLocalStorage({ key: 'labledger.single-keys', defaultValue: true, getInitialValueInEffect: false })
  useEffect(() => {
    on = wanted
  }, [wanted])
  return [wanted, want] as const
}

/** useKeyboard listens; the shell calls it once. */
export function useKeyboard() {
  useSingleKeys()
  useEffect(() => {
    document.addEventListener('keydown', press)
    return () => document.removeEventListener('keydown', press)
  }, [])
}

function press(event: KeyboardEvent) {
  if (event.defaultPrevented || event.isComposing || event.altKey) return
  const mod = event.ctrlKey || event.metaKey
  if (!mod && (!on || typing(event.target) || document.querySelector('[role="dialog"]'))) return
  const key = (mod ? 'mod+' : '') + (event.key.length === 1 ? event.key.toLowerCase() : event.key)
  const both = event.timeStamp - beforeAt < 1000 && before ? `${before} ${key}` : key
  const found = bound.get().findLast(({ keys }) => keys === both) ?? bound.get().findLast(({ keys }) => keys === key)
  before = found ? '' : key
  beforeAt = event.timeStamp
  if (!found) return
  event.preventDefault()
  found.run()
}

function typing(target: EventTarget | null): boolean {
  if (target instanceof HTMLInputElement && ['checkbox', 'radio', 'button'].includes(target.type)) return false // there is nothing to type
  return target instanceof HTMLElement && (target.isContentEditable || ['INPUT', 'TEXTAREA', 'SELECT'].includes(target.tagName))
}
