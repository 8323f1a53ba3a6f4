import { Button, Group, Radio, Stack, Textarea } from '@mantine/core'
import { type FormEvent, useState } from 'react'

import type { Problem } from '../api/problem'
import { Dialog } from '../components/Dialog'
import { emptyToNull, ProblemAlert } from '../components/form'
import { type Alert, type Outcome, outcomes } from './api'

interface Props {
  /** For example "Close 3 alerts". */
  title: string
  initialValues: Partial<Alert>
  problem: Problem | undefined
  onSubmit: (changes: Partial<Alert>) => void
  onCancel: () => void
}

/**
 * CloseDialog asks for the outcome of one or more alerts and closes them. For a closed alert it changes the outcome.
 */
export function CloseDialog({ title, initialValues, problem, onSubmit, onCancel }: Props) {
  const [disposition, setDisposition] = useState<Outcome | ''>(initialValues.disposition ?? '')
  const [note, setNote] = useState(initialValues.note ?? '')
  const handleSubmit = (event: FormEvent) => {
    event.preventDefault()
    const isOfMany = initialValues.id === undefined // then an empty note keeps the notes of the alerts
    onSubmit({
      state: 'closed',
      disposition: emptyToNull(disposition),
      ...(!(isOfMany && note.trim() === '') && { note: emptyToNull(note) }),
    })
  }
  return (
    <Dialog onClose={onCancel} isDirty={note !== (initialValues.note ?? '')} title={title}>
      <form onSubmit={handleSubmit}>
        <Stack>
          <Radio.Group
            label="Outcome"
            value={disposition}
            onChange={(selected) => setDisposition(outcomes.find(({ value }) => value === selected)?.value ?? '')}
            error={problem?.messagesByField.disposition}
          >
            <Stack gap={4} mt={4}>
              {[...outcomes, { value: '', label: 'Undetermined' }].map(({ value, label }) => (
                <Radio key={value} value={value} label={label} data-autofocus={value === disposition || undefined} />
              ))}
            </Stack>
          </Radio.Group>
          <Textarea
            label="Note"
            description="What did you find?"
            autosize
            minRows={3}
            maxRows={12}
            value={note}
            onChange={(event) => setNote(event.currentTarget.value)}
            error={problem?.messagesByField.note}
          />
          <ProblemAlert problem={problem} fields={['disposition', 'note']} />
          <Group justify="end">
            <Button variant="default" onClick={onCancel}>
              Cancel
            </Button>
            <Button type="submit">{initialValues.state === 'closed' ? 'Save' : title}</Button>
          </Group>
        </Stack>
      </form>
    </Dialog>
  )
}
