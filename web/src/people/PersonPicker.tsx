import { AsyncSelect, type AsyncSelectProps } from '../components/AsyncSelect'
import { findExactHits } from '../search/findExactHits'
import { fetchPeopleOptions, usePeople } from './api'
import { PersonAvatar } from './PersonName'

interface Props extends Omit<AsyncSelectProps, 'value' | 'onChange'> {
  /** Username of the selected person, or null. */
  value: string | null
  onChange: (username: string | null) => void
}

/** PersonPicker selects an existing user by a part of the name. */
export function PersonPicker({ value, onChange, ...rest }: Props) {
  const person = usePeople()?.byUsername.get(value ?? '')
  return (
    <AsyncSelect
      placeholder="Search by name"
      {...rest}
      value={value ?? ''}
      selectedLabel={person?.display_name}
      onChange={(username) => onChange(username || null)}
      queryKey={['directory', 'options']}
      fetchOptions={fetchPeopleOptions}
      findNamed={(text, options) => findExactHits(text, 'user', options)}
      renderIcon={({ title }) => <PersonAvatar name={title} />}
    />
  )
}
