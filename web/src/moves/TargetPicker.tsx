import { AsyncSelect, type AsyncSelectProps, type SelectOption } from '../components/AsyncSelect'
import { Icon } from '../components/icons'
import { foldText } from '../search/findExactHits'
import type { PlaceKey } from './api'
import { fetchTargets, type TargetOption } from './targets'

type Props = Omit<AsyncSelectProps, 'value' | 'onChange'> & {
  value: PlaceKey | ''
  onChange: (key: PlaceKey | '') => void
}

/**
 * TargetPicker selects where containers go: a freezer, or a container that holds others. It finds them by name and by
 * barcode, also a scanned one.
 */
export function TargetPicker({ onChange, ...rest }: Props) {
  return (
    <AsyncSelect
      placeholder="Freezer, rack or box: name or barcode"
      {...rest}
      data-scan="accept"
      onChange={(key) => onChange(key as PlaceKey | '')}
      queryKey={['storage', 'targets']}
      fetchOptions={fetchTargets}
      findNamed={findNamedTargets}
      renderIcon={({ key }) => <Icon name={key.startsWith('freezer ') ? 'storage' : 'container'} size={16} />}
    />
  )
}

/** findNamedTargets returns the targets that a text names: by a barcode or UUID, or by the name. */
function findNamedTargets(text: string, options: SelectOption[]): SelectOption[] {
  const targets = options as TargetOption[]
  const code = text.trim()
  const coded = targets.filter(({ key, barcode }) => barcode === code || key === `container ${code.toLowerCase()}`)
  return coded.length > 0 ? coded : targets.filter(({ title }) => foldText(title) === foldText(text))
}
