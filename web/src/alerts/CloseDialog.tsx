import { Button, Group, Radio, Stack, Textarea } from '@mantine/core'
import { type FormEvent, useState } from 'react'

import type { Problem } from '../api/problem'
import { Dialog } from '../components/Dialog'
import { nullable, ProblemNote } from '../components/form'
import { type Alert, type Disposition, dispositions } from './api'

interface Props {
  /** What is closed: "Close 3 alerts". */
  title: string
  start: Partial<Alert>
  problem: Problem | undefined
  submit: (changes: Partial<Alert>) => void
  cancel: () => void
}

/** CloseDialog asks what an alert turned out to be, and closes it with that. */
export function CloseDialog({ title, start, problem, submit, cancel }: Props) {
  const [disposition, setDisposition] = useState<Disposition | ''>(start.disposition ?? '')
  const [note, setNote] = useState(start.note ?? '')
  const send = (event: FormEvent) => {
    event.preventDefault()
    submit({ state: 'closed', disposition: nullable(disposition), note: nullable(note) })
  }
  return (
    <Dialog onClose={cancel} title={title}>
      <form onSubmit={send}>
        <Stack>
          <Radio.Group label="It turned out" value={disposition} onChange={(chosen) => setDisposition(dispositions.find(({ value }) => value === chosen)?.value ?? '')} error={problem?.byField.disposition}>
            <Stack gap={4} mt={4}>
              {[...dispositions, { value: '', label: 'Not known' }].map(({ value, label }) => (
                <Radio key={value} value={value} label={label} data-autofocus={value === disposition || undefined} />
              ))}
            </Stack>
          </Radio.Group>
          <Textarea label="Note" description="What was found out" autosize minRows={3} maxRows={12} value={note} onChange={(event) => setNote(event.currentTarget.value)} error={problem?.byField.note} />
          <ProblemNote problem={problem} fields={['disposition', 'note']} />
          <Group justify="end">
            <Button variant="default" onClick={cancel}>
              Cancel
            </Button>
            <Button type="submit">{start.state === 'closed' ? 'Save' : 'Close it'}</Button>
          </Group>
        </Stack>
      </form>
    </Dialog>
  )
}
