// What is typed after Cmd-K and before the field is there: its code may still be on the way, and the focus comes a moment later.

interface BufferedInput {
  text: string
  /** Enter came last. */
  isEntered: boolean
}

const emptyInput: BufferedInput = { text: '', isEntered: false }
let buffer = emptyInput
let listener: AbortController | undefined

/** startTypeAhead keeps what is typed from now on. The signal tells that Escape was pressed. */
export function startTypeAhead(): AbortSignal {
  takeTypeAhead()
  const escapeController = new AbortController()
  listener = new AbortController()
  const { signal } = listener
  const handleKeyDown = (event: KeyboardEvent) => {
    if (event.isComposing || event.ctrlKey || event.metaKey || event.altKey) return
    if (event.key === 'Escape') {
      takeTypeAhead()
      escapeController.abort()
    } else if (event.key === 'Enter') buffer = { ...buffer, isEntered: true }
    else if (event.key === 'Backspace') buffer = { text: buffer.text.slice(0, -1), isEntered: false }
    else if (event.key.length === 1) buffer = { text: buffer.text + event.key, isEntered: false }
    else return
    event.preventDefault() // nothing else shall take it
  }
  document.addEventListener('keydown', handleKeyDown, { capture: true, signal })
  return escapeController.signal
}

/** takeTypeAhead is what was typed, once: from then on the field has the keys itself. */
export function takeTypeAhead(): BufferedInput {
  listener?.abort()
  const input = buffer
  buffer = emptyInput
  return input
}
