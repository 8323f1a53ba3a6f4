import { Button, Group, Input } from '@mantine/core'
import { useState } from 'react'

import { DateField } from '../components/DateField'
import { dueChoices } from './dueDates'

interface Props {
  value: string | null
  onChange: (day: string | null) => void
  error?: string | undefined
}

/** DueDateField chooses when a container is to be returned: one of the usual days, another one, or none. */
export function DueDateField({ value, onChange, error }: Props) {
  const [now] = useState(() => new Date())
  return (
    <div>
      <DateField
        label="Due back"
        placeholder="No due date"
        value={value ?? ''}
        onChange={(day) => onChange(day || null)}
        error={error !== undefined}
      />
      <Group gap={4} mt={4} role="group" aria-label="Usual due dates">
        {dueChoices(now).map(({ label, day }) => (
          <Button
            key={label}
            variant={value === day ? 'light' : 'default'}
            aria-pressed={value === day}
            onClick={() => onChange(value === day ? null : day)}
          >
            {label}
          </Button>
        ))}
      </Group>
      {error && <Input.Error mt={4}>{error}</Input.Error>}
    </div>
  )
}
