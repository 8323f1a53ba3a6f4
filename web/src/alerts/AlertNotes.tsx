import { Button, Group, Stack, Text, Textarea } from '@mantine/core'
import { useInfiniteQuery, useMutation, useQueryClient } from '@tanstack/react-query'
import { type FormEvent, useState } from 'react'

import { toProblem } from '../api/problem'
import { pagedQuery } from '../api/queries'
import { ProblemAlert, useLeaveWarning } from '../components/form'
import { TimeAgo } from '../components/TimeAgo'
import { usePersonName } from '../people/PersonName'
import { usePermission } from '../session/api'
import { type Alert, alertHistory, updateAlert } from './api'

interface Props {
  alert: Alert
  /** The element of the heading. */
  heading: 'h2' | 'h3'
}

/** AlertNotes shows what people found, oldest first, and adds a note. The alert keeps the newest. */
export function AlertNotes({ alert, heading }: Props) {
  const personName = usePersonName()
  const canEdit = usePermission('operator')
  const { data } = useInfiniteQuery(pagedQuery(['alert', alert.id, 'history'], alertHistory(alert.id)))
  const notes = (data?.pages.flatMap(({ rows }) => rows) ?? [])
    .filter(({ before, after }) => after?.note && after.note !== before?.note)
    .reverse()
    .map(({ id, at, actor, after }) => ({ id, at, actor, text: String(after?.note) }))
  return (
    <section aria-label="Notes">
      <Text fw={600} size="sm" component={heading} mb={4}>
        Notes
      </Text>
      <Stack gap={6}>
        {notes.map(({ id, at, actor, text }) => (
          <Text key={id} size="sm" style={{ overflowWrap: 'anywhere', whiteSpace: 'pre-line' }}>
            <b>{personName(actor)}</b>{' '}
            <Text span inherit c="dimmed">
              <TimeAgo at={at} />:
            </Text>{' '}
            {text}
          </Text>
        ))}
        {canEdit ? <NoteForm alert={alert} /> : notes.length === 0 && <Text size="sm">No notes yet</Text>}
      </Stack>
    </section>
  )
}

function NoteForm({ alert }: { alert: Alert }) {
  const queryClient = useQueryClient()
  const [note, setNote] = useState('')
  const { mutate, isPending, error } = useMutation({
    mutationFn: () => updateAlert({ note: note.trim() }, alert),
    onSuccess: () => setNote(''),
    onSettled: () => {
      void queryClient.invalidateQueries({ queryKey: ['alert', alert.id] })
      void queryClient.invalidateQueries({ queryKey: ['alerts'] })
    },
  })
  useLeaveWarning(note.trim() !== '' && !isPending)
  const submit = (event: FormEvent) => {
    event.preventDefault()
    if (note.trim()) mutate()
  }
  return (
    <form onSubmit={submit}>
      <Stack gap={6}>
        <Textarea
          aria-label="Add a note"
          placeholder="Add a note"
          autosize
          minRows={1}
          maxRows={8}
          value={note}
          onChange={(event) => setNote(event.currentTarget.value)}
        />
        <ProblemAlert problem={error ? toProblem(error) : undefined} />
        {note.trim() !== '' && (
          <Group justify="end">
            <Button type="submit" loading={isPending}>
              Save note
            </Button>
          </Group>
        )}
      </Stack>
    </form>
  )
}
