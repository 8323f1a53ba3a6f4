import { Button, Group } from '@mantine/core'
import { useState } from 'react'

import { Dialog } from '../components/Dialog'
import { useObjectActions } from '../search/useObjectActions'
import type { Todo } from './api'
import { useMoveTodo } from './useMoveTodo'

/** MarkDone offers in the search to mark a todo as done, and asks for confirmation. */
export function MarkDone({ todo }: { todo: Todo }) {
  const [isOpen, setIsOpen] = useState(false)
  const { mutate } = useMoveTodo()
  const close = () => setIsOpen(false)
  const isDone = todo.status === 'done'
  useObjectActions(isDone ? [] : [{ label: 'Mark as done…', icon: 'check', run: () => setIsOpen(true) }])
  if (!isOpen) return null
  const markDone = () => {
    close()
    mutate({ todo, status: 'done' })
  }
  return (
    <Dialog title={`Mark “${todo.description}” as done?`} onClose={close}>
      <Group justify="end">
        <Button variant="default" onClick={close}>
          Cancel
        </Button>
        <Button data-autofocus onClick={markDone}>
          Mark as done
        </Button>
      </Group>
    </Dialog>
  )
}
