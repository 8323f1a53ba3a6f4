// Buffers the keys typed between Cmd-K and the focus of the search field, whose code may still be loading.

interface BufferedInput {
  text: string
  /** True if Enter was the last key. */
  isEntered: boolean
}

const emptyInput: BufferedInput = { text: '', isEntered: false }
let buffer = emptyInput
let active: { listener: AbortController; cancellation: AbortController } | undefined

/** startTypeAhead starts buffering keys. The returned signal aborts when Escape or a scan cancels the search. */
export function startTypeAhead(): AbortSignal {
  takeTypeAhead()
  const { listener, cancellation } = (active = {
    listener: new AbortController(),
    cancellation: new AbortController(),
  })
  const handleKeyDown = (event: KeyboardEvent) => {
    if (event.isComposing || event.ctrlKey || event.metaKey || event.altKey) return
    if (event.key === 'Escape') cancelTypeAhead()
    else if (event.key === 'Enter') buffer = { ...buffer, isEntered: true }
    else if (event.key === 'Backspace') buffer = { text: buffer.text.slice(0, -1), isEntered: false }
    else if (event.key.length === 1) buffer = { text: buffer.text + event.key, isEntered: false }
    else return
    event.preventDefault() // no other handler sees the key
  }
  document.addEventListener('keydown', handleKeyDown, { capture: true, signal: listener.signal })
  return cancellation.signal
}

/** isTypingAhead reports whether keys are buffered. */
export const isTypingAhead = () => active !== undefined

/** cancelTypeAhead discards the buffered input and the search that it was for. */
export function cancelTypeAhead() {
  active?.cancellation.abort()
  takeTypeAhead()
}

/** takeTypeAhead returns the buffered input and stops buffering. */
export function takeTypeAhead(): BufferedInput {
  active?.listener.abort()
  active = undefined
  const input = buffer
  buffer = emptyInput
  return input
}
