import { Button, Group, Text } from '@mantine/core'
import { notifications } from '@mantine/notifications'
import type { ReactNode } from 'react'

interface ToastOptions {
  kind?: 'success' | 'error'
  /** Offers to undo what the message reports. */
  onUndo?: (() => void) | undefined
  /** The label of the button that calls onUndo. */
  undoLabel?: string
  /** A link below the text. */
  link?: ReactNode
}

const undoTimeout = 12_000 // ms; it starts again when the pointer or the focus leaves the message

/** toast shows a short message such as "Saved". Errors stay until the user closes them. */
export function toast(text: string, options: ToastOptions['kind'] | ToastOptions = {}) {
  const { kind = 'success', onUndo, undoLabel = 'Undo', link } = typeof options === 'string' ? { kind: options } : options
  const id = text // a repeated message replaces the previous one
  notifications.hide(id)
  notifications.show({
    id,
    color: kind === 'error' ? 'red' : 'teal',
    withBorder: true,
    autoClose: kind === 'error' || onUndo ? false : true,
    closeButtonProps: { 'aria-label': 'Close message' },
    role: kind === 'error' ? 'alert' : 'status',
    ...(onUndo && kind !== 'error' && closeWhenLeft(id)),
    message:
      onUndo || link ? (
        <Group justify="space-between" wrap="nowrap">
          <Text size="sm">
            {text} {link}
          </Text>
          {onUndo && (
            <Button
              variant="light"
              data-toast-action
              flex="none"
              onClick={() => {
                returnFocus()
                notifications.hide(id)
                onUndo()
              }}
            >
              {undoLabel}
            </Button>
          )}
        </Group>
      ) : (
        text
      ),
  })
}

/** closeWhenLeft closes a message after undoTimeout, but not while the pointer or the focus is in it. */
function closeWhenLeft(id: string) {
  const reasons = new Set<'pointer' | 'focus'>()
  let timer: ReturnType<typeof setTimeout> | undefined
  const update = () => {
    clearTimeout(timer)
    if (reasons.size === 0) timer = setTimeout(() => notifications.hide(id), undoTimeout)
  }
  const hold = (reason: 'pointer' | 'focus') => () => {
    reasons.add(reason)
    update()
  }
  const release = (reason: 'pointer' | 'focus') => () => {
    reasons.delete(reason)
    update()
  }
  return {
    onOpen: update,
    onClose: () => clearTimeout(timer),
    onMouseEnter: hold('pointer'),
    onMouseLeave: release('pointer'),
    onFocus: hold('focus'),
    onBlur: release('focus'),
  }
}

let previousFocus: Element | null = null

/** focusToast gives the focus to the button of the newest message that has one. */
export function focusToast() {
  const button = [...document.querySelectorAll<HTMLElement>('[data-toast-action]')].at(-1)
  if (!button) return
  previousFocus = document.activeElement
  button.focus()
}

/** returnFocus returns the focus to the element that had it before focusToast. */
function returnFocus() {
  if (previousFocus instanceof HTMLElement && previousFocus.isConnected) previousFocus.focus()
  previousFocus = null
}
