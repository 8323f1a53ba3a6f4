// What is typed after Cmd-K and before the field is there: its code may still be on the way, and the focus comes a moment later.

interface Typed {
  text: string
  /** Enter came last. */
  entered: boolean
}

const nothing: Typed = { text: '', entered: false }
let typed = nothing
let listening: AbortController | undefined

/** typeAhead keeps what is typed from now on. The signal tells that Escape was pressed. */
export function typeAhead(): AbortSignal {
  typedAhead()
  const given = new AbortController()
  listening = new AbortController()
  const { signal } = listening
  const press = (event: KeyboardEvent) => {
    if (event.isComposing || event.ctrlKey || event.metaKey || event.altKey) return
    if (event.key === 'Escape') {
      typedAhead()
      given.abort()
    } else if (event.key === 'Enter') typed = { ...typed, entered: true }
    else if (event.key === 'Backspace') typed = { text: typed.text.slice(0, -1), entered: false }
    else if (event.key.length === 1) typed = { text: typed.text + event.key, entered: false }
    else return
    event.preventDefault() // nothing else shall take it
  }
  document.addEventListener('keydown', press, { capture: true, signal })
  return given.signal
}

/** typedAhead is what was typed, once: from then on the field has the keys itself. */
export function typedAhead(): Typed {
  listening?.abort()
  const kept = typed
  typed = nothing
  return kept
}
