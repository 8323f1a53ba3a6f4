import { Button, Group, Text } from '@mantine/core'
import { notifications } from '@mantine/notifications'

interface ToastOptions {
  kind?: 'success' | 'error'
  /** Offers to undo what the message reports, for undoTimeout. */
  onUndo?: (() => void) | undefined
}

const undoTimeout = 10_000 // ms

/** toast shows a short message such as "Saved". Errors stay until the user closes them. */
export function toast(text: string, options: ToastOptions['kind'] | ToastOptions = {}) {
  const { kind = 'success', onUndo } = typeof options === 'string' ? { kind: options } : options
  const id = text // a repeated message replaces the previous one
  notifications.hide(id)
  notifications.show({
    id,
    color: kind === 'error' ? 'red' : 'teal',
    withBorder: true,
    autoClose: kind === 'error' ? false : onUndo ? undoTimeout : true,
    closeButtonProps: { 'aria-label': 'Close message' },
    role: kind === 'error' ? 'alert' : 'status',
    message: onUndo ? (
      <Group justify="space-between" wrap="nowrap">
        <Text size="sm">{text}</Text>
        <Button
          variant="light"
          onClick={() => {
            notifications.hide(id)
            onUndo()
          }}
        >
          Undo
        </Button>
      </Group>
    ) : (
      text
    ),
  })
}
