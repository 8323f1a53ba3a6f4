import { Button, Group, SimpleGrid, Text } from '@mantine/core'
import { useState } from 'react'

import { DueDateField } from '../checkouts/DueDateField'
import { Day } from '../components/Day'
import { Icon } from '../components/icons'
import { Picker } from '../components/Picker'
import { useStore } from '../components/store'
import { useFreezerNames } from '../freezers/FreezerLink'
import { PersonPicker } from '../people/PersonPicker'
import { usePersonName } from '../people/PersonName'
import { scanPlace, setScanPlace } from './scanQueues'

export interface CheckOutSettings {
  holder: string | null
  dueOn: string | null
}

interface CheckOutProps {
  value: CheckOutSettings
  onChange: (settings: CheckOutSettings) => void
}

/** CheckOutSettingsPanel chooses once who takes what is scanned, and until when. */
export function CheckOutSettingsPanel({ value, onChange }: CheckOutProps) {
  const personName = usePersonName()
  const [isOpen, setIsOpen] = useState(value.holder === null)
  if (!isOpen)
    return (
      <Group justify="space-between" wrap="nowrap">
        <Text size="sm" style={{ overflowWrap: 'anywhere' }}>
          For <b>{value.holder ? personName(value.holder) : 'no holder yet'}</b>
          {value.dueOn ? (
            <>
              , due back on <Day day={value.dueOn} />
            </>
          ) : (
            ', without a due date'
          )}
        </Text>
        <Button variant="default" flex="none" onClick={() => setIsOpen(true)}>
          Change
        </Button>
      </Group>
    )
  return (
    <>
      <SimpleGrid type="container" cols={{ base: 1, '480px': 2 }}>
        <PersonPicker label="Holder" required value={value.holder} onChange={(holder) => onChange({ ...value, holder })} />
        <DueDateField value={value.dueOn} onChange={(dueOn) => onChange({ ...value, dueOn })} />
      </SimpleGrid>
      {value.holder !== null && (
        <Button variant="default" mt="xs" onClick={() => setIsOpen(false)}>
          Done
        </Button>
      )}
    </>
  )
}

/** MoveSettingsPanel shows where things are moved. The first scan chooses it, or the picker for a freezer. */
export function MoveSettingsPanel() {
  const ref = useStore(scanPlace)
  const freezerName = useFreezerNames()
  if (!ref)
    return (
      <Picker
        kind="freezer"
        label="Or choose a freezer"
        value=""
        onChange={(id) => id && setScanPlace({ place: { name: freezerName(Number(id)), freezer_id: Number(id) } })}
      />
    )
  return (
    <Group justify="space-between" wrap="nowrap">
      <Group gap={6} wrap="nowrap">
        <Icon name="place" />
        <Text size="sm" style={{ overflowWrap: 'anywhere' }}>
          Move to <b>{'place' in ref ? ref.place.name : 'the scanned target'}</b>
        </Text>
      </Group>
      <Button variant="default" flex="none" onClick={() => setScanPlace(undefined)}>
        Other target
      </Button>
    </Group>
  )
}
