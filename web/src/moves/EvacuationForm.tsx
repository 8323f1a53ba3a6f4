import { Button, Group, Stack, Text } from '@mantine/core'
import { useMutation, useQueryClient } from '@tanstack/react-query'
import { type ReactNode, useState } from 'react'

import { toProblem } from '../api/problem'
import { ButtonLink } from '../components/links'
import { Panel } from '../components/Panel'
import { StatusBadge } from '../components/StatusBadge'
import { toast } from '../components/toast'
import type { PlaceKey } from '../storage/placeKey'
import { PlacePicker } from '../storage/PlacePicker'
import { ChosenPlaces } from './ChosenPlaces'
import { fetchPlace } from './evacuationApi'
import { distribute, type EvacuationPlace, type EvacuationSource } from './evacuationPlaces'
import { OtherPlaces } from './OtherPlaces'
import { countContainers } from './pickOrder'

interface Props {
  freezerId: number
  source: EvacuationSource
  /** How many containers lie directly in the freezer. */
  count: number
  freezers: readonly EvacuationPlace[]
  /** The freezers with room, the best first. */
  ranked: readonly EvacuationPlace[]
  /** The chosen places, in order. */
  places: readonly EvacuationPlace[]
  /** Changes the chosen places of the moment. */
  onChange: (update: (places: readonly EvacuationPlace[]) => EvacuationPlace[]) => void
  conflicts: ReactNode
  isPlanning: boolean
  onPlan: () => void
}

/** EvacuationForm chooses where the containers of a freezer go, and shows how many of them fit. */
export function EvacuationForm({
  freezerId,
  source,
  count,
  freezers,
  ranked,
  places,
  onChange,
  conflicts,
  isPlanning,
  onPlan,
}: Props) {
  const queryClient = useQueryClient()
  const [pickerKey, setPickerKey] = useState(0)
  const { shares, lacking } = distribute(places, count)
  const hasKey = (places: readonly EvacuationPlace[], key: PlaceKey) => places.some((place) => place.key === key)
  const add = (place: EvacuationPlace | undefined) =>
    place && onChange((places) => (hasKey(places, place.key) ? [...places] : [...places, place]))
  const { mutate: fetchAndAdd } = useMutation({
    mutationFn: (key: PlaceKey) => fetchPlace(key, freezers, queryClient),
    onSuccess: add,
    onError: (error) => toast(toProblem(error).message, 'error'),
  })
  const pick = (key: PlaceKey | '') => {
    if (key === '') return
    setPickerKey(pickerKey + 1) // an empty field for the next place
    fetchAndAdd(key)
  }
  return (
    <Stack>
      <Panel
        title="Where the containers go"
        id="chosen-places"
        actions={
          lacking === 0 ? (
            <StatusBadge tone="fine">All {countContainers(count)} fit</StatusBadge>
          ) : (
            <StatusBadge tone="warning">
              {(count - lacking).toLocaleString('en')} of {countContainers(count)} fit
            </StatusBadge>
          )
        }
      >
        <Stack gap="xs">
          <Text size="sm" c="dimmed">
            What lies in a container moves with it. Each place is filled before the next. Temperatures are those in the
            names of the freezers.
          </Text>
          {places.length > 0 ? (
            <ChosenPlaces
              source={source}
              places={places}
              shares={shares}
              onChange={(keys) => onChange((places) => keys.flatMap((key) => places.filter((place) => place.key === key)))}
            />
          ) : (
            <Text size="sm">No place is chosen. Add one below.</Text>
          )}
          {conflicts}
          <Group>
            <Button onClick={onPlan} loading={isPlanning} disabled={places.length === 0}>
              Plan
            </Button>
            <ButtonLink to="/freezers/$id" params={{ id: String(freezerId) }} variant="default">
              Cancel
            </ButtonLink>
          </Group>
        </Stack>
      </Panel>
      <Panel title="Other freezers" id="other-places">
        <Stack gap="sm">
          <PlacePicker key={pickerKey} label="Add a rack, a box or a freezer" maw={360} value="" onChange={pick} />
          <OtherPlaces places={ranked.filter(({ key }) => !hasKey(places, key))} onAdd={add} />
        </Stack>
      </Panel>
    </Stack>
  )
}
