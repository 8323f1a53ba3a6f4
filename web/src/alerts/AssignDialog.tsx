import { Button, Group, Stack, TextInput } from '@mantine/core'
import { type FormEvent, useState } from 'react'

import type { Problem } from '../api/problem'
import { Dialog } from '../components/Dialog'
import { emptyToNull, ProblemAlert } from '../components/form'
import { useSession } from '../session/api'
import type { Alert } from './api'

interface Props {
  /** For example "Assign 3 alerts". */
  title: string
  initialValues: Partial<Alert>
  problem: Problem | undefined
  onSubmit: (changes: Partial<Alert>) => void
  onCancel: () => void
}

/** AssignDialog asks for the assignee of one or more alerts. */
export function AssignDialog({ title, initialValues, problem, onSubmit, onCancel }: Props) {
  const username = useSession()?.username ?? ''
  const [assignee, setAssignee] = useState(initialValues.assignee ?? username)
  const handleSubmit = (event: FormEvent) => {
    event.preventDefault()
    onSubmit({ assignee: emptyToNull(assignee) })
  }
  return (
    <Dialog onClose={onCancel} title={title}>
      <form onSubmit={handleSubmit}>
        <Stack>
          <TextInput
            label="Assignee"
            description="Leave empty to unassign"
            value={assignee}
            onChange={(event) => setAssignee(event.currentTarget.value)}
            error={problem?.messagesByField.assignee}
            data-autofocus
          />
          <ProblemAlert problem={problem} fields={['assignee']} />
          <Group justify="end">
            <Button variant="default" onClick={onCancel}>
              Cancel
            </Button>
            <Button type="submit">Assign</Button>
          </Group>
        </Stack>
      </form>
    </Dialog>
  )
}
