import { Button, Group, Stack, Text, TextInput } from '@mantine/core'
import { useMutation, useQueryClient } from '@tanstack/react-query'
import { type FormEvent, lazy, useState } from 'react'

import { toProblem } from '../api/problem'
import { useUndoToast } from '../changesets/useUndoToast'
import { Dialog } from '../components/Dialog'
import { ProblemAlert } from '../components/form'
import { LazyBoundary } from '../components/LazyBoundary'
import { deleteSelection, type Selection } from '../grid/selection'
import type { LabelSource } from '../labels/parts'
import { PrintLabelsButton } from '../labels/PrintLabelsButton'
import type { ContainerRow } from '../lists/containers'
import { countContainers } from '../moves/pickOrder'
import { usePermission } from '../session/api'

const MoveSelectionDialog = lazy(() => import('../moves/MoveSelectionDialog'))

interface Props {
  selection: Selection<ContainerRow>
  onDone: () => void
}

/** BulkContainerActions moves the selected containers, prints their labels or deletes them. */
export function BulkContainerActions({ selection, onDone }: Props) {
  const canEdit = usePermission('operator')
  const [dialog, setDialog] = useState<'move' | 'delete'>()
  const close = () => setDialog(undefined)
  return (
    <>
      {canEdit && (
        <Button variant="default" onClick={() => setDialog('move')}>
          Move…
        </Button>
      )}
      <PrintLabelsButton source={labelSource(selection)} leftSection={null} />
      {canEdit && (
        <Button variant="default" onClick={() => setDialog('delete')}>
          Delete…
        </Button>
      )}
      {dialog === 'move' && (
        <LazyBoundary>
          <MoveSelectionDialog selection={selection} onMoved={onDone} onClose={close} />
        </LazyBoundary>
      )}
      {dialog === 'delete' && <DeleteDialog selection={selection} onDone={onDone} onClose={close} />}
    </>
  )
}

/** labelSource returns the labels of a selection, in the order of the list. */
const labelSource = ({ rows, count, params, sort }: Selection<ContainerRow>): LabelSource => ({
  params: { ...params, ...(sort && { sort }) },
  count,
  firstUuid: rows[0]?.uuid ?? '',
})

/** useContainerWrite runs a write and refreshes all lists and screens of containers. */
function useContainerWrite<V>(
  write: (variables: V) => Promise<{ matched: number; requestId: string | undefined }>,
  result: string,
  { onDone, onClose }: { onDone: () => void; onClose: () => void },
) {
  const queryClient = useQueryClient()
  const showUndoToast = useUndoToast()
  return useMutation({
    mutationFn: write,
    onSuccess: ({ matched, requestId }) => {
      onClose()
      onDone()
      showUndoToast(`${countContainers(matched)} ${result}`, requestId)
    },
    onSettled: () => {
      void queryClient.invalidateQueries({ queryKey: ['containers'] })
      void queryClient.invalidateQueries({ queryKey: ['container'] })
    },
  })
}

type DialogProps = Props & { onClose: () => void }

function DeleteDialog({ selection, onDone, onClose }: DialogProps) {
  const [text, setText] = useState('')
  const { mutate, isPending, error } = useContainerWrite(
    () => deleteSelection('containers', selection),
    'deleted',
    { onDone, onClose },
  )
  const isConfirmed = selection.count === 1 || text.replace(/\D/g, '') === String(selection.count)
  const handleSubmit = (event: FormEvent) => {
    event.preventDefault()
    if (isConfirmed) mutate(undefined)
  }
  return (
    <Dialog onClose={onClose} title={`Delete ${countContainers(selection.count)}?`}>
      <form onSubmit={handleSubmit}>
        <Stack>
          <Text>Nothing else is deleted. The history keeps a record.</Text>
          {selection.count > 1 && (
            <TextInput
              label={`Enter ${selection.count} to confirm`}
              inputMode="numeric"
              autoComplete="off"
              value={text}
              onChange={(event) => setText(event.currentTarget.value)}
              data-autofocus
            />
          )}
          <ProblemAlert problem={error ? toProblem(error) : undefined} />
          <Group justify="end">
            <Button variant="default" onClick={onClose}>
              Cancel
            </Button>
            <Button type="submit" color="red" loading={isPending} disabled={!isConfirmed}>
              Delete
            </Button>
          </Group>
        </Stack>
      </form>
    </Dialog>
  )
}
