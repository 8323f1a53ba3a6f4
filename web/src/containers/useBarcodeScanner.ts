import { type RefObject, useEffect } from 'react'

import { useSingleKeys } from '../shell/shortcuts'

const begins = /^[0-9a-f{]$/i // a label

/** useScanner gives the field what a scanner types while the focus is in no field. It goes by no clock: scanners and machines are of all speeds. */
export function useScanner(field: RefObject<HTMLInputElement | null>) {
  const [on] = useSingleKeys() // it moves the focus by a single key, which people may turn off
  useEffect(() => {
    if (!on) return
    const press = (event: KeyboardEvent) => {
      const taken = event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey || event.isComposing // by a shortcut, say
      if (taken || !begins.test(event.key) || inField(event.target) || document.querySelector('[role="dialog"]') || !field.current) return
      field.current.value = ''
      field.current.focus() // then the key goes there, too
    }
    window.addEventListener('keydown', press) // after the shortcuts, which listen at the document
    return () => window.removeEventListener('keydown', press)
  }, [on, field])
}

function inField(target: EventTarget | null): boolean {
  return target instanceof HTMLElement && (target.isContentEditable || ['INPUT', 'TEXTAREA', 'SELECT'].includes(target.tagName))
}
