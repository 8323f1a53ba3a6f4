import { type RefObject, useEffect } from 'react'

import { useSingleKeySetting } from '../shell/shortcuts'

const barcodeStart = /^[0-9a-f{]$/i // a label

/** useBarcodeScanner gives the field what a scanner types while the focus is in no field. It goes by no clock: scanners and machines are of all speeds. */
export function useBarcodeScanner(inputRef: RefObject<HTMLInputElement | null>) {
  const [isEnabled] = useSingleKeySetting() // it moves the focus by a single key, which people may turn off
  useEffect(() => {
    if (!isEnabled) return
    const handleKeyDown = (event: KeyboardEvent) => {
      const isHandled = event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey || event.isComposing // by a shortcut, say
      if (isHandled || !barcodeStart.test(event.key) || isTextField(event.target) || document.querySelector('[role="dialog"]') || !inputRef.current) return
      inputRef.current.value = ''
      inputRef.current.focus() // then the key goes there, too
    }
    window.addEventListener('keydown', handleKeyDown) // after the shortcuts, which listen at the document
    return () => window.removeEventListener('keydown', handleKeyDown)
  }, [isEnabled, inputRef])
}

function isTextField(target: EventTarget | null): boolean {
  return target instanceof HTMLElement && (target.isContentEditable || ['INPUT', 'TEXTAREA', 'SELECT'].includes(target.tagName))
}
