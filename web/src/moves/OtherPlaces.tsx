import { Button, Group, Stack } from '@mantine/core'
import { useState } from 'react'

import { type Column, RowTable } from '../components/RowTable'
import type { EvacuationPlace } from './evacuationPlaces'
import { TemperatureBadge } from './TemperatureBadge'

interface Props {
  /** The best places first. */
  places: readonly EvacuationPlace[]
  onAdd: (place: EvacuationPlace) => void
}

const initiallyShown = 8

/** OtherPlaces lists the freezers that are not chosen. */
export function OtherPlaces({ places, onAdd }: Props) {
  const [showsAll, setShowsAll] = useState(false)
  const columns: Column<EvacuationPlace>[] = [
    { id: 'name', header: 'Freezer', value: ({ name }) => name },
    {
      id: 'temperature',
      header: 'Temperature',
      value: () => null,
      cell: ({ freezerName }) => <TemperatureBadge freezerName={freezerName} />,
      width: 7,
    },
    { id: 'site', header: 'Site', value: ({ siteName }) => siteName, width: 9 },
    { id: 'free', header: 'Free', value: ({ free }) => free?.toLocaleString('en') ?? 'No limit', width: 5.5, alignEnd: true },
    { id: 'holds', header: 'Holds', value: ({ containers }) => containers.toLocaleString('en'), width: 5, alignEnd: true },
    {
      id: 'add',
      header: 'Choose',
      value: () => null,
      cell: (place) => (
        <Button variant="default" size="compact-sm" aria-label={`Add ${place.name}, ${place.siteName}`} onClick={() => onAdd(place)}>
          Add
        </Button>
      ),
      width: 5,
    },
  ]
  const shown = showsAll ? places : places.slice(0, initiallyShown)
  return (
    <Stack gap="xs">
      <RowTable label="Other freezers" columns={columns} rows={[...shown]} rowKey={({ key }) => key} />
      {shown.length < places.length && (
        <Group>
          <Button variant="subtle" size="compact-sm" onClick={() => setShowsAll(true)}>
            Show all {places.length}
          </Button>
        </Group>
      )}
    </Stack>
  )
}
