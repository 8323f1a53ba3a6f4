import { Button, Group, Stack, TextInput } from '@mantine/core'
import { type FormEvent, useState } from 'react'

import type { Problem } from '../api/problem'
import { Dialog } from '../components/Dialog'
import { nullable, ProblemNote } from '../components/form'
import { useSession } from '../session/api'
import type { Alert } from './api'

interface Props {
  /** What is assigned: "Assign 3 alerts". */
  title: string
  start: Partial<Alert>
  problem: Problem | undefined
  submit: (changes: Partial<Alert>) => void
  cancel: () => void
}

/** AssignDialog asks who looks after an alert. */
export function AssignDialog({ title, start, problem, submit, cancel }: Props) {
  const me = useSession()?.username ?? ''
  const [assignee, setAssignee] = useState(start.assignee ?? me)
  const send = (event: FormEvent) => {
    event.preventDefault()
    submit({ assignee: nullable(assignee) })
  }
  return (
    <Dialog onClose={cancel} title={title}>
      <form onSubmit={send}>
        <Stack>
          <TextInput
            label="Assignee"
            description="Nobody when it is left empty"
            value={assignee}
            onChange={(event) => setAssignee(event.currentTarget.value)}
            error={problem?.byField.assignee}
            data-autofocus
          />
          <ProblemNote problem={problem} fields={['assignee']} />
          <Group justify="end">
            <Button variant="default" onClick={cancel}>
              Cancel
            </Button>
            <Button type="submit">Assign</Button>
          </Group>
        </Stack>
      </form>
    </Dialog>
  )
}
