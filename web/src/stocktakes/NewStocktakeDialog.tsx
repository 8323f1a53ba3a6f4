import { Button, Group, Stack, TextInput } from '@mantine/core'
import { type FormEvent, useState } from 'react'

import { toProblem } from '../api/problem'
import { Dialog } from '../components/Dialog'
import { emptyToNull, ProblemAlert } from '../components/form'
import { PlacePicker } from '../storage/PlacePicker'
import { parsePlaceKey, type PlaceKey } from '../storage/placeKey'
import { useStartStocktake } from './StartStocktake'

/** NewStocktakeDialog starts a stock-take of a freezer or container. */
export function NewStocktakeDialog({ onClose }: { onClose: () => void }) {
  const [place, setPlace] = useState<PlaceKey | ''>('')
  const [note, setNote] = useState('')
  const { start, error, isPending } = useStartStocktake()
  const problem = error ? toProblem(error) : undefined
  const { freezer_id, container_uuid, note: noteMessage } = problem?.messagesByField ?? {}
  const handleSubmit = (event: FormEvent) => {
    event.preventDefault()
    if (place) start(parsePlaceKey(place), emptyToNull(note.trim()))
  }
  return (
    <Dialog title="Start a stock-take" isDirty={note !== '' && !isPending} onClose={onClose}>
      <form onSubmit={handleSubmit} noValidate>
        <Stack>
          <PlacePicker
            label="Of"
            description="A freezer, or a shelf, rack or box in it"
            required
            withinPortal={false}
            data-autofocus
            value={place}
            onChange={setPlace}
            error={freezer_id ?? container_uuid}
          />
          <TextInput
            label="Note"
            placeholder="For example yearly count"
            value={note}
            onChange={(event) => setNote(event.currentTarget.value)}
            error={noteMessage}
          />
          <ProblemAlert problem={problem} fields={['freezer_id', 'container_uuid', 'note']} />
          <Group justify="end">
            <Button variant="default" onClick={onClose}>
              Cancel
            </Button>
            <Button type="submit" loading={isPending} disabled={place === ''}>
              Start
            </Button>
          </Group>
        </Stack>
      </form>
    </Dialog>
  )
}
