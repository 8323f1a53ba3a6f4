import { Button, Group, Stack, Text, TextInput } from '@mantine/core'
import { useMutation, useQueryClient } from '@tanstack/react-query'
import { type FormEvent, useState } from 'react'

import { toProblem } from '../api/problem'
import { Dialog } from '../components/Dialog'
import { ProblemAlert } from '../components/form'
import { Picker } from '../components/Picker'
import { toast } from '../components/toast'
import { deleteSelection, patchSelection, type Selection } from '../grid/selection'
import type { Container } from './api'

interface Props {
  selection: Selection<Container>
  onDone: () => void
}

/** BulkContainerActions moves or deletes the selected containers, all of them or none. */
export function BulkContainerActions({ selection, onDone }: Props) {
  const [dialog, setDialog] = useState<'move' | 'delete'>()
  const close = () => setDialog(undefined)
  const Form = dialog && { move: MoveDialog, delete: DeleteDialog }[dialog]
  return (
    <>
      <Button variant="default" onClick={() => setDialog('move')}>
        Move…
      </Button>
      <Button variant="default" onClick={() => setDialog('delete')}>
        Delete…
      </Button>
      {Form && <Form selection={selection} onDone={onDone} onClose={close} />}
    </>
  )
}

const countContainers = (count: number) => (count === 1 ? '1 container' : `${count.toLocaleString('en')} containers`)

/** useContainerWrite runs a write and refreshes all lists and screens of containers. */
function useContainerWrite<V>(
  write: (variables: V) => Promise<{ matched: number }>,
  result: string,
  { onDone, onClose }: { onDone: () => void; onClose: () => void },
) {
  const queryClient = useQueryClient()
  return useMutation({
    mutationFn: write,
    onSuccess: ({ matched }) => {
      onClose()
      onDone()
      toast(`${countContainers(matched)} ${result}`)
    },
    onSettled: () => {
      void queryClient.invalidateQueries({ queryKey: ['containers'] })
      void queryClient.invalidateQueries({ queryKey: ['container'] })
    },
  })
}

type DialogProps = Props & { onClose: () => void }

function MoveDialog({ selection, onDone, onClose }: DialogProps) {
  const [freezerId, setFreezerId] = useState('')
  const { mutate, isPending, error } = useContainerWrite(
    (id: number) => patchSelection('containers', selection, { freezer_id: id }),
    'moved',
    { onDone, onClose },
  )
  const handleSubmit = (event: FormEvent) => {
    event.preventDefault()
    if (freezerId) mutate(Number(freezerId))
  }
  return (
    <Dialog onClose={onClose} title={`Move ${countContainers(selection.count)}`}>
      <form onSubmit={handleSubmit}>
        <Stack>
          <Picker kind="freezer" label="Move to" value={freezerId} onChange={setFreezerId} data-autofocus />
          <ProblemAlert problem={error ? toProblem(error) : undefined} />
          <Group justify="end">
            <Button variant="default" onClick={onClose}>
              Cancel
            </Button>
            <Button type="submit" loading={isPending} disabled={!freezerId}>
              Move
            </Button>
          </Group>
        </Stack>
      </form>
    </Dialog>
  )
}

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
