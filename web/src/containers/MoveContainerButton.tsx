import { Button, Group, Stack } from '@mantine/core'
import { type FormEvent, useState } from 'react'

import { useRowEdit } from '../api/useRowEdit'
import { useFreezerNames } from '../freezers/FreezerLink'
import { ConflictDialog } from '../components/ConflictDialog'
import { Dialog } from '../components/Dialog'
import { ProblemNote } from '../components/form'
import { Picker } from '../components/Picker'
import { named } from '../components/formatValue'
import { toast } from '../components/toast'
import { useMay } from '../session/api'
import { useShortcut } from '../shell/shortcuts'
import { type Container, containerLabels, editOf, titleOf } from './api'

/** MoveContainer is the button that puts a container into another freezer. */
export function MoveContainer({ container }: { container: Container }) {
  const may = useMay('operator')
  const [asking, ask] = useState(false)
  const { save, saving, refused, conflict, drop } = useRowEdit<Container>({ ...editOf(container), saved: () => toast('Moved') })
  useShortcut('m', 'Move to another freezer', () => ask(true), may)
  const freezerName = useFreezerNames()
  if (!may) return null
  const close = () => {
    ask(false)
    drop()
  }
  const move = (base: Container, changes: Partial<Container>) => {
    close()
    if (Object.keys(changes).length > 0) save(base, changes)
  }
  return (
    <>
      <Button onClick={() => ask(true)} aria-disabled={saving}>
        Move
      </Button>
      {(asking || refused) && (
        <Dialog onClose={close} title={`Move ${titleOf(container)}`}>
          <Where container={refused?.base ?? container} to={refused?.changes.freezer_id} move={move} close={close} />
          <ProblemNote problem={refused?.problem} />
        </Dialog>
      )}
      {conflict && <ConflictDialog conflict={conflict} labels={containerLabels} tell={named('freezer_id', freezerName)} keep={move} cancel={close} />}
    </>
  )
}

interface WhereProps {
  container: Container
  to: number | undefined
  move: (base: Container, changes: Partial<Container>) => void
  close: () => void
}

function Where({ container, to, move, close }: WhereProps) {
  const [chosen, choose] = useState(to ? String(to) : '')
  const freezerName = useFreezerNames()
  const submit = (event: FormEvent) => {
    event.preventDefault()
    if (chosen) move(container, Number(chosen) === container.freezer_id ? {} : { freezer_id: Number(chosen) })
  }
  return (
    <form onSubmit={submit}>
      <Stack>
        <Picker only="freezer" label="To which freezer" description={`It stands in ${freezerName(container.freezer_id)}.`} defaultValue={chosen} called={freezerName(to ?? 0)} onChange={choose} data-autofocus />
        <Group justify="end">
          <Button variant="default" onClick={close}>
            Leave it
          </Button>
          <Button type="submit" disabled={!chosen}>
            Move
          </Button>
        </Group>
      </Stack>
    </form>
  )
}
