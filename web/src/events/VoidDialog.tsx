import { Button, Group, Stack, Text, Textarea } from '@mantine/core'
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query'
import { type FormEvent, useState } from 'react'

import { toProblem } from '../api/problem'
import { Dialog } from '../components/Dialog'
import { ProblemAlert } from '../components/form'
import { toast } from '../components/toast'
import { type Event, formatEvent, voidEvent } from './api'

/** VoidDialog asks for the reason to void an event, and says how many alerts are marked. */
export function VoidDialog({ event, onClose }: { event: Event; onClose: () => void }) {
  const queryClient = useQueryClient()
  const [reason, setReason] = useState('')
  const [isEmpty, setIsEmpty] = useState(false)
  const dryRunQuery = useQuery({
    queryKey: ['void', event.id],
    gcTime: 0,
    retry: false,
    queryFn: () => voidEvent(event.id, 'Dry run', { dryRun: true }),
  })
  const { mutate, isPending, error } = useMutation({
    mutationFn: () => voidEvent(event.id, reason.trim(), { dryRun: false }),
    onSuccess: () => {
      toast('Event voided')
      // Also alerts of later events change. A dry run of a voided event would fail.
      void queryClient.invalidateQueries({ predicate: ({ queryKey }) => queryKey[0] !== 'void' })
      onClose()
    },
  })
  const handleSubmit = (submitEvent: FormEvent) => {
    submitEvent.preventDefault()
    setIsEmpty(reason.trim() === '')
    if (reason.trim() !== '') mutate()
  }
  const failure = error ?? dryRunQuery.error
  const problem = failure ? toProblem(failure) : undefined
  const count = dryRunQuery.data?.alerts
  const alerts = count === 0 ? 'No alerts' : count === 1 ? '1 alert' : `${count} alerts`
  return (
    <Dialog onClose={onClose} isDirty={reason.trim() !== '' && !isPending} title={`Void ${formatEvent(event)}?`}>
      <form noValidate onSubmit={handleSubmit}>
        <Stack>
          <Text>
            Later events are evaluated without a voided event. The event and its alerts remain. You cannot undo this.
          </Text>
          {count !== undefined && <Text>{alerts} will be marked as void.</Text>}
          <Textarea
            required
            label="Reason"
            maxLength={1000}
            value={reason}
            onChange={(changeEvent) => setReason(changeEvent.currentTarget.value)}
            error={isEmpty ? 'Required' : problem?.messagesByField.reason}
            data-autofocus
          />
          <ProblemAlert problem={problem} fields={['reason']} />
          <Group justify="end">
            <Button variant="default" onClick={onClose}>
              Cancel
            </Button>
            <Button type="submit" color="red" loading={isPending}>
              Void event
            </Button>
          </Group>
        </Stack>
      </form>
    </Dialog>
  )
}
