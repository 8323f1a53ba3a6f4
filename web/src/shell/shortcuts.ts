import { useLocalStorage } from '@mantine/hooks'
import { useEffect, useEffectEvent } from 'react'

import { scopedName } from '../api/basePath'
import { createStore, useStore } from '../components/store'
import { isTextInput } from '../components/textInput'

// Keyboard shortcuts. They work wherever the focus is, except in text fields. WCAG 2.1.4 requires that single-key
// shortcuts can be disabled: the help (?) has a switch. No shortcut writes: it opens a screen, a form or a dialog. No
// first key is a hex digit, so that a barcode from a slow scanner opens nothing.

/** commandKey is the name of the modifier of shortcuts. */
export const commandKey = /Mac|iPhone|iPad/.test(navigator.platform) ? '⌘' : 'Ctrl'

export interface Shortcut {
  /** "e", "g s" (a sequence), "?" or "mod+k" (Ctrl, or Cmd on a Mac). */
  keys: string
  label: string
}

interface BoundShortcut extends Shortcut {
  run: () => void
}

const boundShortcuts = createStore<BoundShortcut[]>([])
let singleKeysEnabled = true
let pendingKey = '' // the first key of a possible sequence
let pendingSince = 0

/** useShortcut binds keys while the component is mounted. */
export function useShortcut(keys: string, label: string, run: () => void, active = true) {
  const runLatest = useEffectEvent(run)
  useEffect(() => {
    if (!active) return
    const shortcut = { keys, label, run: () => runLatest() }
    boundShortcuts.set([...boundShortcuts.get(), shortcut])
    return () => boundShortcuts.set(boundShortcuts.get().filter((item) => item !== shortcut))
  }, [keys, label, active])
}

/** useShortcuts returns the active shortcuts. */
export function useShortcuts(): Shortcut[] {
  return useStore(boundShortcuts)
}

/**
 * useSingleKeySetting returns whether single-key shortcuts are enabled, and a setter. The setting is stored in the
 * browser.
 */
export function useSingleKeySetting() {
  const [isEnabled, setIsEnabled] = useLocalStorage({
    key: scopedName('single-keys'),
    defaultValue: true,
    getInitialValueInEffect: false,
  })
  useEffect(() => {
    singleKeysEnabled = isEnabled
  }, [isEnabled])
  return [isEnabled, setIsEnabled] as const
}

/** useShortcutListener handles key presses. The shell calls it once. */
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
  if (!hasModifier && (!singleKeysEnabled || isTextInput(event.target) || document.querySelector('[role="dialog"]')))
    return
  const key = (hasModifier ? 'mod+' : '') + (event.key.length === 1 ? event.key.toLowerCase() : event.key)
  const sequence = event.timeStamp - pendingSince < 1000 && pendingKey ? `${pendingKey} ${key}` : key
  const match =
    boundShortcuts.get().findLast(({ keys }) => keys === sequence) ??
    boundShortcuts.get().findLast(({ keys }) => keys === key)
  pendingKey = match ? '' : key
  pendingSince = event.timeStamp
  if (!match) return
  event.preventDefault()
  match.run()
}
