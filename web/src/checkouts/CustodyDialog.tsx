import { Button, Group, Stack, Text, TextInput } from '@mantine/core'
import { type FormEvent, type ReactNode, useState } from 'react'

import type { Problem } from '../api/problem'
import { Dialog } from '../components/Dialog'
import { emptyToNull, ProblemAlert } from '../components/form'
import { PersonPicker } from '../people/PersonPicker'
import { DueDateField } from './DueDateField'

export interface CustodyTerms {
  holder: string | null
  due_on: string | null
  purpose: string | null
}

interface Props {
  /** For example "Check out Tube 3". */
  title: string
  submitLabel: string
  initialValues: CustodyTerms
  /** False leaves the holder as it is. */
  hasHolder?: boolean
  note?: ReactNode
  /** Fields above the holder. */
  children?: ReactNode
  isComplete?: boolean
  problem: Problem | undefined
  isSaving: boolean
  onSubmit: (terms: CustodyTerms) => void
  onCancel: () => void
}

const fields = ['holder', 'due_on', 'purpose'] as const

/** CustodyDialog asks who takes a container, until when and for what. */
export function CustodyDialog({
  title,
  submitLabel,
  initialValues,
  hasHolder = true,
  note,
  children,
  isComplete = true,
  problem,
  isSaving,
  onSubmit,
  onCancel,
}: Props) {
  const [values, setValues] = useState(initialValues)
  const set = (changes: Partial<CustodyTerms>) => setValues((current) => ({ ...current, ...changes }))
  const handleSubmit = (event: FormEvent) => {
    event.preventDefault()
    if (isComplete) onSubmit({ ...values, purpose: emptyToNull(values.purpose ?? '') })
  }
  const messages = problem?.messagesByField ?? {}
  const isDirty = (values.purpose ?? '') !== (initialValues.purpose ?? '')
  return (
    <Dialog onClose={onCancel} isDirty={isDirty && !isSaving} title={title}>
      <form onSubmit={handleSubmit} noValidate>
        <Stack>
          {note && <Text size="sm">{note}</Text>}
          {children}
          {hasHolder && (
            <PersonPicker
              label="Holder"
              required
              withinPortal={false}
              data-autofocus={children || values.holder ? undefined : true}
              value={values.holder}
              onChange={(holder) => set({ holder })}
              error={messages.holder}
            />
          )}
          <DueDateField value={values.due_on} onChange={(due_on) => set({ due_on })} error={messages.due_on} />
          <TextInput
            label="Purpose"
            placeholder="For example DNA extraction"
            value={values.purpose ?? ''}
            onChange={(event) => set({ purpose: event.currentTarget.value })}
            error={messages.purpose}
          />
          <ProblemAlert problem={problem} fields={fields} />
          <Group justify="end">
            <Button variant="default" onClick={onCancel}>
              Cancel
            </Button>
            <Button
              type="submit"
              loading={isSaving}
              disabled={!isComplete || (hasHolder && values.holder === null)}
              data-autofocus={children || (hasHolder && !values.holder) ? undefined : true}
            >
              {submitLabel}
            </Button>
          </Group>
        </Stack>
      </form>
    </Dialog>
  )
}
