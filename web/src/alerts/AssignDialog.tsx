import { Button, Group, Stack } from '@mantine/core'
import { type FormEvent, useState } from 'react'

import type { Problem } from '../api/problem'
import { Dialog } from '../components/Dialog'
import { ProblemAlert } from '../components/form'
import { PersonPicker } from '../people/PersonPicker'
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
  const [assignee, setAssignee] = useState(initialValues.assignee ?? null)
  const handleSubmit = (event: FormEvent) => {
    event.preventDefault()
    onSubmit({ assignee })
  }
  return (
    <Dialog onClose={onCancel} title={title}>
      <form onSubmit={handleSubmit}>
        <Stack>
          <PersonPicker
            label="Assignee"
            emptyLabel="Unassigned"
            data-autofocus
            withinPortal={false}
            value={assignee}
            onChange={setAssignee}
            error={problem?.messagesByField.assignee}
          />
          <ProblemAlert problem={problem} fields={['assignee']} />
          <Group justify="end">
            <Button variant="default" onClick={onCancel}>
              Cancel
            </Button>
            <Button type="submit">{assignee === null ? 'Unassign' : 'Assign'}</Button>
          </Group>
        </Stack>
      </form>
    </Dialog>
  )
}
