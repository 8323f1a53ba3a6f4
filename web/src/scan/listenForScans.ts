import { type FieldState, isTextInput, restoreField, saveField } from '../components/textInput'
import { type Scan, ScanDetector, type ScanSettings, type Stroke } from './detector'
import { findUuid } from './parseCode'
import { usCharacter } from './usKeyboard'

const holdMargin = 15 // ms longer than the longest gap between two keys
const maxDelay = 20 // ms; a later timer means that the page was busy and keys may be queued
const maxExtraKeyDelay = 100 // ms between the end of a scan and further keys of its suffix, such as LF after CR

/**
 * listenForScans calls onScan when a scanner types a code. No other handler sees the keys of the scan; a field gets
 * back its value and selection from before the scan. Outside of fields, keys are held until it is clear that they are
 * not the beginning of a scan, and then dispatched. A field with data-scan="accept" gets the code instead: first as an
 * event "scan", and as its value unless a handler prevents that. It returns a function that stops listening.
 */
export function listenForScans(getSettings: () => ScanSettings, onScan: (scan: Scan) => void): () => void {
  const detector = new ScanDetector(getSettings)
  const dispatched = new WeakSet<Event>()
  const swallowedCodes = new Set<string>()
  const fieldStates = new Map<EventTarget, FieldState>() // when the burst began
  let heldEvents: KeyboardEvent[] = []
  let timer: ReturnType<typeof setTimeout> | undefined
  let lastScanTime = -Infinity

  const swallow = (event: KeyboardEvent) => {
    event.preventDefault()
    event.stopImmediatePropagation()
    swallowedCodes.add(event.code)
  }
  const release = () => {
    clearTimeout(timer)
    const events = heldEvents
    heldEvents = []
    for (const event of events) {
      // A shortcut, such as / for the search, has moved the focus to a field since, which gets the key.
      const field = isTextInput(document.activeElement) && saveField(document.activeElement)
      if (field) {
        restoreField({ ...field, value: field.value + event.key, selection: undefined })
        continue
      }
      const copy = new KeyboardEvent(event.type, event)
      dispatched.add(copy)
      const target = event.target instanceof Node && event.target.isConnected ? event.target : document.body
      target.dispatchEvent(copy)
    }
  }
  const releaseLater = (isBusy = false) => {
    clearTimeout(timer)
    const due = performance.now() + detector.maxGap + holdMargin
    timer = setTimeout(() => {
      if (!isBusy && performance.now() - due > maxDelay) releaseLater(true)
      else release()
    }, due - performance.now())
  }
  const abandon = () => {
    release()
    detector.reset()
  }
  const finish = (event: KeyboardEvent, scan: Scan) => {
    clearTimeout(timer)
    heldEvents = []
    lastScanTime = event.timeStamp
    const { target } = event
    const state = saveField(target)
    for (const fieldState of fieldStates.values()) restoreField(fieldState)
    fieldStates.clear()
    if (!state || !(target instanceof HTMLElement) || target.dataset.scan !== 'accept') return onScan(scan)
    const code = findUuid(scan.typed, scan.us) ?? scan.typed.trim()
    const isUnhandled = target.dispatchEvent(
      new CustomEvent('scan', { detail: code, bubbles: true, cancelable: true }),
    )
    if (isUnhandled) restoreField({ ...state, value: code, selection: undefined })
  }
  const hold = (event: KeyboardEvent) => {
    swallow(event)
    heldEvents.push(event)
    releaseLater()
  }
  const handleCharacter = (event: KeyboardEvent, stroke: Stroke) => {
    const length = detector.add(stroke)
    if (length === 1) {
      release()
      fieldStates.clear()
    }
    if (isTextInput(event.target)) {
      const state = fieldStates.has(event.target) ? undefined : saveField(event.target)
      if (state) fieldStates.set(event.target, state)
      return
    }
    const startsWithSpace = length === 1 && event.key === ' ' // presses a button or scrolls
    if (!startsWithSpace && detector.mayBeScan) hold(event)
  }
  const handleKeyDown = (event: KeyboardEvent) => {
    if (dispatched.has(event) || ['Shift', 'CapsLock', 'AltGraph'].includes(event.key)) return
    const stroke = toStroke(event)
    const isEnd = event.key === 'Enter' || event.key === 'Tab'
    if (!stroke || !(isEnd || isCharacter(event) || detector.isSpecialKey(event.key))) return abandon()
    const scan = detector.end(stroke)
    const delay = event.timeStamp - lastScanTime
    if (scan) {
      swallow(event)
      finish(event, scan)
    } else if (isEnd && delay >= 0 && delay <= maxExtraKeyDelay) swallow(event)
    else if (isEnd) abandon()
    else handleCharacter(event, stroke)
  }
  const handleKeyUp = (event: KeyboardEvent) => {
    if (!swallowedCodes.delete(event.code)) return
    event.preventDefault() // Space would press the focused button
    event.stopImmediatePropagation()
  }
  const abort = new AbortController()
  window.addEventListener('keydown', handleKeyDown, { capture: true, signal: abort.signal })
  window.addEventListener('keyup', handleKeyUp, { capture: true, signal: abort.signal })
  return () => {
    abort.abort()
    release()
  }
}

const isCharacter = ({ key }: KeyboardEvent) => key.length === 1 || key === 'Dead'

/** toStroke returns the stroke of a key that a scanner could press, or undefined. */
function toStroke(event: KeyboardEvent): Stroke | undefined {
  const { key, code, shiftKey, timeStamp: time, target } = event
  const isShortcut = (event.ctrlKey || event.metaKey || event.altKey) && !event.getModifierState('AltGraph')
  const isPassword = target instanceof HTMLInputElement && target.type === 'password'
  if (event.repeat || event.isComposing || isShortcut || isPassword) return undefined
  if (!isCharacter(event)) return { typed: key, us: key, time }
  return { typed: key === 'Dead' ? '' : key, us: usCharacter(code, shiftKey), time }
}
