import { Notification, Stack } from '@mantine/core'

import { createStore, useStore } from './store'

// Short messages at the edge: "Saved". Errors stay until they are closed.

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

/** toast says something that needs no answer. */
export function toast(text: string, kind: ToastMessage['kind'] = 'success') {
  const id = ++lastId
  messages.set([...messages.get().filter((message) => message.text !== text).slice(-3), { id, text, kind }]) // what is said again is said once
  if (kind === 'success') setTimeout(() => dismiss(id), 5000)
}

/** ToastContainer shows them; the shell has it once. */
export function ToastContainer() {
  const visible = useStore(messages)
  return (
    <Stack role="status" aria-live="polite" gap="xs" pos="fixed" bottom={16} right={16} maw="calc(100vw - 32px)" style={{ zIndex: 400 }}>
      {visible.map(({ id, text, kind }) => (
        <Notification key={id} color={kind === 'error' ? 'red' : 'teal'} onClose={() => dismiss(id)} withBorder closeButtonProps={{ 'aria-label': 'Close this message' }}>
          {text}
        </Notification>
      ))}
    </Stack>
  )
}
