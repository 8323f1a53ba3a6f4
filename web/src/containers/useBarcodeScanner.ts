import { type RefObject, useEffect } from 'react'

import { useSingleKeySetting } from '../shell/shortcuts'

const barcodeStart = /^[0-9a-f{]$/i

/**
 * useBarcodeScanner directs scanner input to a field while no text field has the focus. It does not rely on timing,
 * since the speed of scanners varies.
 */
export function useBarcodeScanner(inputRef: RefObject<HTMLInputElement | null>) {
  const [isEnabled] = useSingleKeySetting() // users can turn off single-key shortcuts
  useEffect(() => {
    if (!isEnabled) return
    const handleKeyDown = (event: KeyboardEvent) => {
      // A shortcut may already have handled the key.
      const isHandled = event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey || event.isComposing
      if (
        isHandled ||
        !barcodeStart.test(event.key) ||
        isTextField(event.target) ||
        document.querySelector('[role="dialog"]') ||
        !inputRef.current
      )
        return
      inputRef.current.value = ''
      inputRef.current.focus() // the key is then typed into the field
    }
    window.addEventListener('keydown', handleKeyDown) // runs after the shortcuts, which listen on document
    return () => window.removeEventListener('keydown', handleKeyDown)
  }, [isEnabled, inputRef])
}

function isTextField(target: EventTarget | null): boolean {
  return (
    target instanceof HTMLElement &&
    (target.isContentEditable || ['INPUT', 'TEXTAREA', 'SELECT'].includes(target.tagName))
  )
}
