import { Button, Group, SimpleGrid, Stack, TextInput } from '@mantine/core'
import { type FormEvent, useState } from 'react'

import type { Problem } from '../api/problem'
import { Dialog } from '../components/Dialog'
import { ProblemAlert } from '../components/form'
import { fromLocalInput, toLocalInput } from '../components/localTime'
import type { Alert } from './api'
import { snoozeChoices } from './snoozeChoices'

interface Props {
  /** For example "Snooze 3 alerts". */
  title: string
  problem: Problem | undefined
  onSubmit: (changes: Partial<Alert>) => void
  onCancel: () => void
}

/** SnoozeDialog asks for the time until which one or more alerts are snoozed. */
export function SnoozeDialog({ title, problem, onSubmit, onCancel }: Props) {
  const [now] = useState(() => new Date())
  const [time, setTime] = useState('')
  const snooze = (until: string) => onSubmit({ snoozed_until: until })
  const handleSubmit = (event: FormEvent) => {
    event.preventDefault()
    if (time) snooze(time)
  }
  return (
    <Dialog onClose={onCancel} title={title}>
      <form onSubmit={handleSubmit}>
        <Stack>
          <SimpleGrid cols={2}>
            {snoozeChoices(now).map(({ label, until }, i) => (
              <Button key={label} variant="default" data-autofocus={i === 0 || undefined} onClick={() => snooze(until.toISOString())}>
                {label}
              </Button>
            ))}
          </SimpleGrid>
          <TextInput
            type="datetime-local"
            label="Until"
            min={toLocalInput('time', now.toISOString())}
            value={toLocalInput('time', time)}
            onChange={(event) => setTime(fromLocalInput('time', event.currentTarget.value))}
            error={problem?.messagesByField.snoozed_until}
          />
          <ProblemAlert problem={problem} fields={['snoozed_until']} />
          <Group justify="end">
            <Button variant="default" onClick={onCancel}>
              Cancel
            </Button>
            <Button type="submit" disabled={time === ''}>
              Snooze
            </Button>
          </Group>
        </Stack>
      </form>
    </Dialog>
  )
}
