import { useEffect, useRef } from 'react'

const apart = 50 // ms at most between two characters of a scanner; people are slower
const least = 6 // characters

/** Burst gathers the keys of a scanner, which types what it reads and then presses Enter. */
export class Burst {
  private text = ''
  private at = -Infinity

  /** key takes a key, and answers what was scanned when that is complete. */
  key(key: string, at: number): string | undefined {
    if (at - this.at > apart) this.text = ''
    this.at = at
    if (key.length === 1) this.text += key
    if (key !== 'Enter') return undefined
    const { text } = this
    this.text = ''
    return text.length >= least ? text : undefined
  }
}

/** useScanner hears a scanner while the focus is in no field. */
export function useScanner(scanned: (text: string) => void) {
  const latest = useRef(scanned)
  useEffect(() => {
    latest.current = scanned
  })
  useEffect(() => {
    const burst = new Burst()
    const press = (event: KeyboardEvent) => {
      if (event.ctrlKey || event.metaKey || event.altKey || inField(event.target)) return
      const text = burst.key(event.key, event.timeStamp)
      if (text === undefined) return
      event.preventDefault() // or Enter would press what has the focus
      latest.current(text)
    }
    document.addEventListener('keydown', press)
    return () => document.removeEventListener('keydown', press)
  }, [])
}

function inField(target: EventTarget | null): boolean {
  return target instanceof HTMLElement && ['INPUT', 'TEXTAREA', 'SELECT'].includes(target.tagName)
}
