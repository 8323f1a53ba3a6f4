import { ActionIcon, Text } from '@mantine/core'

import { Icon, type IconName } from '../components/icons'
import { StatusBadge } from '../components/StatusBadge'
import type { PlaceKey } from '../storage/placeKey'
import classes from './ChosenPlaces.module.css'
import { type EvacuationPlace, type EvacuationSource, isWarmer } from './evacuationPlaces'
import { countContainers } from './pickOrder'
import { moveItem } from './moveItem'
import { TemperatureBadge } from './TemperatureBadge'

interface Props {
  source: EvacuationSource
  places: readonly EvacuationPlace[]
  /** How many containers each place gets. */
  shares: readonly number[]
  onChange: (keys: PlaceKey[]) => void
}

/** ChosenPlaces lists where the containers of a freezer go. Each place is filled before the next. */
export function ChosenPlaces({ source, places, shares, onChange }: Props) {
  const keys = places.map(({ key }) => key)
  return (
    <ol className={classes.list} aria-label="Chosen places">
      {places.map((place, i) => (
        <li key={place.key}>
          <span className={classes.number}>{i + 1}</span>
          <span className={classes.name}>
            <b>{place.name}</b>{' '}
            <Text span size="xs" c="dimmed">
              {place.freezerName === place.name ? '' : `${place.freezerName}, `}
              {place.siteName}
            </Text>
          </span>
          <TemperatureBadge freezerName={place.freezerName} />
          {isWarmer(source, place) && <StatusBadge tone="critical">Warmer than {source.name}</StatusBadge>}
          <Text size="sm" c={shares[i] === 0 ? 'dimmed' : undefined}>
            {shares[i] === 0 ? 'Gets none' : `Gets ${countContainers(shares[i] ?? 0)}`}
            {place.free !== undefined && ` of ${place.free.toLocaleString('en')} free`}
          </Text>
          <span className={classes.buttons}>
            <PlaceButton
              icon="up"
              label={`Move ${place.name} up`}
              isDisabled={i === 0}
              onClick={() => onChange(moveItem(keys, i, i - 1))}
            />
            <PlaceButton
              icon="down"
              label={`Move ${place.name} down`}
              isDisabled={i === places.length - 1}
              onClick={() => onChange(moveItem(keys, i, i + 1))}
            />
            <PlaceButton
              icon="close"
              label={`Remove ${place.name}`}
              onClick={() => onChange(keys.filter((key) => key !== place.key))}
            />
          </span>
        </li>
      ))}
    </ol>
  )
}

interface PlaceButtonProps {
  icon: IconName
  label: string
  isDisabled?: boolean
  onClick: () => void
}

function PlaceButton({ icon, label, isDisabled = false, onClick }: PlaceButtonProps) {
  return (
    <ActionIcon variant="default" aria-label={label} disabled={isDisabled} onClick={onClick}>
      <Icon name={icon} size={16} />
    </ActionIcon>
  )
}
