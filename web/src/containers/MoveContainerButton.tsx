import { Button, Group, Stack } from '@mantine/core'
import { type FormEvent, useState } from 'react'

import { useRowEdit } from '../api/useRowEdit'
import { ConflictDialog } from '../components/ConflictDialog'
import { Dialog } from '../components/Dialog'
import { ProblemAlert } from '../components/form'
import { formatIdAsName } from '../components/formatValue'
import { Picker } from '../components/Picker'
import { toast } from '../components/toast'
import { useFreezerNames } from '../freezers/FreezerLink'
import { useObjectActions } from '../search/useObjectActions'
import { usePermission } from '../session/api'
import { useShortcut } from '../shell/shortcuts'
import { type Container, containerEditOptions, containerLabels, containerTitle } from './api'

/** MoveContainerButton moves a container to another freezer. */
export function MoveContainerButton({ container }: { container: Container }) {
  const canEdit = usePermission('operator')
  const [isOpen, setIsOpen] = useState(false)
  const { save, isSaving, rejected, conflict, reset } = useRowEdit<Container>({
    ...containerEditOptions(container),
    onSaved: () => toast('Container moved'),
  })
  useShortcut('m', 'Move to another freezer', () => setIsOpen(true), canEdit)
  useObjectActions(canEdit ? [{ label: 'Move…', icon: 'move', run: () => setIsOpen(true) }] : [])
  const getFreezerName = useFreezerNames()
  if (!canEdit) return null
  const close = () => {
    setIsOpen(false)
    reset()
  }
  const move = (base: Container, changes: Partial<Container>) => {
    close()
    if (Object.keys(changes).length > 0) save(base, changes)
  }
  return (
    <>
      <Button onClick={() => setIsOpen(true)} aria-disabled={isSaving}>
        Move
      </Button>
      {(isOpen || rejected) && (
        <Dialog onClose={close} title={`Move ${containerTitle(container)}`}>
          <MoveForm
            container={rejected?.base ?? container}
            targetId={rejected?.changes.freezer_id}
            onMove={move}
            onClose={close}
          />
          <ProblemAlert problem={rejected?.problem} />
        </Dialog>
      )}
      {conflict && (
        <ConflictDialog
          conflict={conflict}
          labels={containerLabels}
          formatField={formatIdAsName('freezer_id', getFreezerName)}
          onSave={move}
          onCancel={close}
        />
      )}
    </>
  )
}

interface MoveFormProps {
  container: Container
  targetId: number | undefined
  onMove: (base: Container, changes: Partial<Container>) => void
  onClose: () => void
}

function MoveForm({ container, targetId, onMove, onClose }: MoveFormProps) {
  const [selectedId, setSelectedId] = useState(targetId ? String(targetId) : '')
  const getFreezerName = useFreezerNames()
  const submit = (event: FormEvent) => {
    event.preventDefault()
    if (selectedId)
      onMove(container, Number(selectedId) === container.freezer_id ? {} : { freezer_id: Number(selectedId) })
  }
  return (
    <form onSubmit={submit}>
      <Stack>
        <Picker
          kind="freezer"
          label="Move to"
          description={`Currently in ${getFreezerName(container.freezer_id)}`}
          value={selectedId}
          selectedLabel={getFreezerName(Number(selectedId))}
          onChange={setSelectedId}
          data-autofocus
        />
        <Group justify="end">
          <Button variant="default" onClick={onClose}>
            Cancel
          </Button>
          <Button type="submit" disabled={!selectedId}>
            Move
          </Button>
        </Group>
      </Stack>
    </form>
  )
}
