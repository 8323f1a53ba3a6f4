import { Button, Group, Stack, Text, TextInput } from '@mantine/core'
import { useInfiniteQuery, useMutation, useQuery, useQueryClient } from '@tanstack/react-query'
import { type FormEvent, useEffect, useRef, useState } from 'react'

import { toProblem } from '../api/problem'
import type { Change } from '../changes/api'
import { ChangedItem, UpdatedFields } from '../changes/ChangedItem'
import { Dialog } from '../components/Dialog'
import { Loading } from '../components/placeholders'
import { QueryBoundary } from '../components/QueryBoundary'
import { AbsoluteTime } from '../components/TimeAgo'
import { usePersonName } from '../people/PersonName'
import { type Changeset, changesetChangesQuery, undoChangeset } from './api'
import classes from './Changesets.module.css'
import { UndoConflicts } from './UndoConflicts'
import { dryRunKey, reportUndo } from './undoAtOnce'
import { undoVerb } from './undoText'

interface Props {
  changeset: Changeset
  /** The label of the button: Undo, Redo or Restore. */
  label: string
  onClose: () => void
}

const maxReasonLength = 200

/** UndoDialog undoes a change set after a dry run. It shows what the undo would restore, and asks for a reason. */
export function UndoDialog({ changeset, label, onClose }: Props) {
  const [reason, setReason] = useState('')
  const queryClient = useQueryClient()
  const personName = usePersonName()
  const id = String(changeset.id)
  const dryRun = useQuery({
    queryKey: [dryRunKey, id],
    queryFn: () => undoChangeset(id, { dryRun: true }),
    gcTime: 0,
    staleTime: Infinity, // what the user confirms
    retry: false,
  })
  const { mutate, isPending, error } = useMutation({
    mutationFn: () => undoChangeset(id, { reason }),
    onSuccess: (undo) => {
      onClose()
      reportUndo(queryClient, undo)
    },
  })
  const failure = error ?? dryRun.error
  const handleSubmit = (event: FormEvent) => {
    event.preventDefault()
    if (dryRun.data && !isPending) mutate()
  }
  return (
    <Dialog onClose={onClose} title={label === 'Restore' ? 'Restore what was deleted?' : `${label} this change set?`} size="lg">
      <form onSubmit={handleSubmit}>
        <Stack gap="sm">
          <Text size="sm">
            <b>{personName(changeset.actor)}</b> {changeset.summary}, <AbsoluteTime at={changeset.at} />.
          </Text>
          {dryRun.isPending && <Loading rows={3} />}
          {failure ? (
            <UndoConflicts problem={toProblem(failure)} />
          ) : (
            dryRun.data && (
              <>
                <Preview changeset={changeset} count={dryRun.data.changes} />
                <ReasonField value={reason} onChange={setReason} />
              </>
            )
          )}
          <Group justify="end">
            <Button variant="default" onClick={onClose}>
              {failure ? 'Close' : 'Cancel'}
            </Button>
            {!failure && (
              <Button type="submit" loading={isPending} disabled={!dryRun.data}>
                {label}
              </Button>
            )}
          </Group>
        </Stack>
      </form>
    </Dialog>
  )
}

/** ReasonField takes the focus when the dry run has succeeded. */
function ReasonField({ value, onChange }: { value: string; onChange: (reason: string) => void }) {
  const ref = useRef<HTMLInputElement>(null)
  useEffect(() => ref.current?.focus(), [])
  return (
    <TextInput
      ref={ref}
      label="Reason"
      description="Optional. Activity shows it."
      maxLength={maxReasonLength}
      autoComplete="off"
      value={value}
      onChange={(event) => onChange(event.currentTarget.value)}
    />
  )
}

const reverseVerbs: Record<Change['action'], string> = { insert: 'Deletes', update: 'Restores', delete: 'Brings back' }

/** Preview lists what an undo changes: the changes in reverse order, with the values before and after the undo. */
function Preview({ changeset, count }: { changeset: Changeset; count: number }) {
  const query = useInfiniteQuery(changesetChangesQuery(changeset.id, { isReversed: true }))
  return (
    <>
      <Text size="sm">
        {undoVerb(changeset)} makes {count === 1 ? '1 change' : `${count.toLocaleString('en')} changes`}. Nothing is
        changed yet.
      </Text>
      <QueryBoundary query={query} rows={3}>
        {({ pages: [first] }) => {
          const changes = first?.rows ?? []
          const rest = changeset.changes - changes.length
          return (
            // oxlint-disable-next-line jsx-a11y/no-noninteractive-tabindex -- a part that scrolls needs the focus
            <div className={classes.preview} role="region" aria-label="What the undo changes" tabIndex={0}>
              <ul className={classes.changes}>
                {changes.map((change) => (
                  <li key={change.id}>
                    {reverseVerbs[change.action]} <ChangedItem change={change} />
                    {change.action === 'update' && (
                      <UpdatedFields change={{ ...change, before: change.after, after: change.before }} />
                    )}
                  </li>
                ))}
                {rest > 0 && <li>and {rest.toLocaleString('en')} more</li>}
              </ul>
            </div>
          )
        }}
      </QueryBoundary>
    </>
  )
}
