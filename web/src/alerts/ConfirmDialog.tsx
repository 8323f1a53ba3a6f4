import { Button, Group } from '@mantine/core'

import { Dialog } from '../components/Dialog'
import type { Alert } from './api'

interface Props {
  /** For example "Acknowledge 3 alerts". */
  title: string
  onSubmit: (changes: Partial<Alert>) => void
  onCancel: () => void
}

/** ConfirmDialog asks for confirmation of an action that needs no input. */
export function ConfirmDialog({ title, onSubmit, onCancel }: Props) {
  return (
    <Dialog onClose={onCancel} title={title}>
      <Group justify="end">
        <Button variant="default" onClick={onCancel}>
          Cancel
        </Button>
        <Button data-autofocus onClick={() => onSubmit({})}>
          Continue
        </Button>
      </Group>
    </Dialog>
  )
}
