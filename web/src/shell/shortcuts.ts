import { useLocalStorage } from '@mantine/hooks'
import { useEffect, useEffectEvent } from 'react'

import { createStore, useStore } from '../components/store'

// Keys that do something wherever the focus is, unless one types. WCAG 2.1.4 asks that keys without Ctrl or Cmd can be turned off: the help (?) does it.

export interface Shortcut {
  /** "e", "g s" (one after the other), "?" or "mod+k" (Ctrl, Cmd on a Mac). */
  keys: string
  label: string
}

interface BoundShortcut extends Shortcut {
  run: () => void
}

const boundShortcuts = createStore<BoundShortcut[]>([])
let singleKeysEnabled = true
let pendingKey = '' // a key that waits for the second one
let pendingSince = 0

/** useShortcut binds keys while the component is there. */
export function useShortcut(keys: string, label: string, run: () => void, active = true) {
  const runLatest = useEffectEvent(run)
  useEffect(() => {
    if (!active) return
    const shortcut = { keys, label, run: () => runLatest() }
    boundShortcuts.set([...boundShortcuts.get(), shortcut])
    return () => boundShortcuts.set(boundShortcuts.get().filter((item) => item !== shortcut))
  }, [keys, label, active])
}

/** useShortcuts are all that work right now. */
export function useShortcuts(): Shortcut[] {
  return useStore(boundShortcuts)
}

/** useSingleKeySetting is whether keys without Ctrl or Cmd do something, and how to say so. The shell listens by it. */
export function useSingleKeySetting() {
  const [isEnabled, setIsEnabled] = useLocalStorage({ key: 'labledger.single-keys', defaultValue: true, getInitialValueInEffect: false })
  useEffect(() => {
    singleKeysEnabled = isEnabled
  }, [isEnabled])
  return [isEnabled, setIsEnabled] as const
}

/** useShortcutListener listens; the shell calls it once. */
export function useShortcutListener() {
  useSingleKeySetting()
  useEffect(() => {
    document.addEventListener('keydown', handleKeyDown)
    return () => document.removeEventListener('keydown', handleKeyDown)
  }, [])
}

function handleKeyDown(event: KeyboardEvent) {
  if (event.defaultPrevented || event.isComposing || event.altKey) return
  const hasModifier = event.ctrlKey || event.metaKey
  if (!hasModifier && (!singleKeysEnabled || isTextInput(event.target) || document.querySelector('[role="dialog"]'))) return
  const key = (hasModifier ? 'mod+' : '') + (event.key.length === 1 ? event.key.toLowerCase() : event.key)
  const sequence = event.timeStamp - pendingSince < 1000 && pendingKey ? `${pendingKey} ${key}` : key
  const match = boundShortcuts.get().findLast(({ keys }) => keys === sequence) ?? boundShortcuts.get().findLast(({ keys }) => keys === key)
  pendingKey = match ? '' : key
  pendingSince = event.timeStamp
  if (!match) return
  event.preventDefault()
  match.run()
}

function isTextInput(target: EventTarget | null): boolean {
  if (target instanceof HTMLInputElement && ['checkbox', 'radio', 'button'].includes(target.type)) return false // there is nothing to type
  return target instanceof HTMLElement && (target.isContentEditable || ['INPUT', 'TEXTAREA', 'SELECT'].includes(target.tagName))
}
