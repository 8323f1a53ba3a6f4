import { Notification, Stack } from '@mantine/core'

import { store, useStore } from './store'

// Short messages at the edge: "Saved". Errors stay until they are closed.

interface Message {
  id: number
  text: string
  kind: 'good' | 'bad'
}

const messages = store<Message[]>([])
let last = 0

function close(id: number) {
  messages.set(messages.get().filter((message) => message.id !== id))
}

/** toast says something that needs no answer. */
export function toast(text: string, kind: Message['kind'] = 'good') {
  const id = ++last
  messages.set([...messages.get().filter((message) => message.text !== text).slice(-3), { id, text, kind }]) // what is said again is said once
  if (kind === 'good') setTimeout(() => close(id), 5000)
}

/** Toasts shows them; the shell has it once. */
export function Toasts() {
  const shown = useStore(messages)
  return (
    <Stack role="status" aria-live="polite" gap="xs" pos="fixed" bottom={16} right={16} maw="calc(100vw - 32px)" style={{ zIndex: 400 }}>
      {shown.map(({ id, text, kind }) => (
        <Notification key={id} color={kind === 'bad' ? 'red' : 'teal'} onClose={() => close(id)} withBorder closeButtonProps={{ 'aria-label': 'Close this message' }}>
          {text}
        </Notification>
      ))}
    </Stack>
  )
}
