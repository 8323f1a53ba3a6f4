import { useQuery } from '@tanstack/react-query'

import { AsyncSelect, type AsyncSelectProps } from '../components/AsyncSelect'
import { Icon } from '../components/icons'
import { containerQuery, containerTitle } from '../containers/api'
import { useFreezerNames } from '../freezers/FreezerLink'
import { fetchPlaces, findNamedPlaces } from './findPlaces'
import { parsePlaceKey, type PlaceKey } from './placeKey'

type Props = Omit<AsyncSelectProps, 'onChange'> & { onChange: (key: PlaceKey | '') => void }

/** PlacePicker selects the key of a freezer, or of a container that can hold others, by name, barcode or UUID. */
export function PlacePicker({ value = '', onChange, ...rest }: Props) {
  const name = usePlaceName(value)
  return (
    <AsyncSelect
      placeholder="Freezer, rack or box: name or barcode"
      data-scan="accept"
      {...rest}
      value={value}
      selectedLabel={name}
      onChange={(key) => onChange(key as PlaceKey | '')}
      queryKey={['storage', 'places']}
      fetchOptions={fetchPlaces}
      findNamed={findNamedPlaces}
      renderIcon={({ key }) => <Icon name={key.startsWith('freezer ') ? 'storage' : 'container'} size={16} />}
    />
  )
}

/** usePlaceName returns the name of the freezer or container of a PlaceKey. */
export function usePlaceName(key: string): string {
  const { freezer_id, container_uuid = '' } = parsePlaceKey(key) ?? {}
  const freezerName = useFreezerNames()
  const { data } = useQuery({ ...containerQuery(container_uuid), enabled: container_uuid !== '' })
  if (freezer_id !== undefined) return freezerName(freezer_id)
  return data ? containerTitle(data) : container_uuid
}
