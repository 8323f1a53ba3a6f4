import { Notification, Stack } from '@mantine/core'

import { createStore, useStore } from './store'

// Short messages such as "Saved". Errors stay until the user closes them.

interface ToastMessage {
  id: number
  text: string
  kind: 'success' | 'error'
}

const messages = createStore<ToastMessage[]>([])
let lastId = 0

function dismiss(id: number) {
  messages.set(messages.get().filter((message) => message.id !== id))
}

/** toast shows a message. */
export function toast(text: string, kind: ToastMessage['kind'] = 'success') {
  const id = ++lastId
  messages.set([
    ...messages
      .get()
      .filter((message) => message.text !== text)
      .slice(-3),
    { id, text, kind },
  ]) // a repeated message replaces the previous one
  if (kind === 'success') setTimeout(() => dismiss(id), 5000)
}

/** ToastContainer shows the toasts. The shell renders it once. */
export function ToastContainer() {
  const visible = useStore(messages)
  return (
    <Stack
      role="status"
      aria-live="polite"
      gap="xs"
      pos="fixed"
      bottom={16}
      right={16}
      maw="calc(100vw - 32px)"
      style={{ zIndex: 400 }}
    >
      {visible.map(({ id, text, kind }) => (
        <Notification
          key={id}
          color={kind === 'error' ? 'red' : 'teal'}
          onClose={() => dismiss(id)}
          withBorder
          closeButtonProps={{ 'aria-label': 'Close message' }}
        >
          {text}
        </Notification>
      ))}
    </Stack>
  )
}
