import { Button, Group, Stack, TextInput } from '@mantine/core'
import { type FormEvent, useState } from 'react'

import type { Problem } from '../api/problem'
import { Dialog } from '../components/Dialog'
import { emptyToNull, ProblemAlert } from '../components/form'
import { useSession } from '../session/api'
import type { Alert } from './api'

interface Props {
  /** What is assigned: "Assign 3 alerts". */
  title: string
  initialValues: Partial<Alert>
  problem: Problem | undefined
  onSubmit: (changes: Partial<Alert>) => void
  onCancel: () => void
}

/** AssignDialog asks who looks after an alert. */
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
            description="Nobody when it is left empty"
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
