/** isTextInput reports whether keys typed at an element belong to the element: text fields and selects. */
export function isTextInput(target: EventTarget | null): target is HTMLElement {
  // These inputs do not accept text.
  if (target instanceof HTMLInputElement && ['checkbox', 'radio', 'button'].includes(target.type)) return false
  return (
    target instanceof HTMLElement &&
    (target.isContentEditable || ['INPUT', 'TEXTAREA', 'SELECT'].includes(target.tagName))
  )
}

type Field = HTMLInputElement | HTMLTextAreaElement | HTMLSelectElement

/** FieldState is the value and the selection of a field at one moment. */
export interface FieldState {
  field: Field
  value: string
  selection: [start: number, end: number] | undefined
}

/** saveField returns the state of a field, or undefined for other elements. */
export function saveField(target: EventTarget | null): FieldState | undefined {
  if (target instanceof HTMLSelectElement) return { field: target, value: target.value, selection: undefined }
  if (!(target instanceof HTMLInputElement || target instanceof HTMLTextAreaElement)) return undefined
  const { selectionStart: start, selectionEnd: end } = target // null in fields such as dates
  return { field: target, value: target.value, selection: start === null || end === null ? undefined : [start, end] }
}

/** restoreField sets a field as if the user had typed the value, so that React and forms notice it. */
export function restoreField({ field, value, selection }: FieldState) {
  if (field.value !== value) {
    Object.getOwnPropertyDescriptor(Object.getPrototypeOf(field), 'value')?.set?.call(field, value)
    field.dispatchEvent(new Event(field instanceof HTMLSelectElement ? 'change' : 'input', { bubbles: true }))
  }
  if (selection && !(field instanceof HTMLSelectElement)) field.setSelectionRange(...selection)
}
