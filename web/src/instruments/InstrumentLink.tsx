import { TextLink } from '../components/links'
import type { Instrument } from './api'

/** InstrumentLink links to a freezer or a computer. */
export function InstrumentLink({ kind, id, name }: Pick<Instrument, 'kind' | 'id' | 'name'>) {
  return (
    <TextLink to={kind === 'freezer' ? '/freezers/$id' : '/computers/$id'} params={{ id: String(id) }}>
      {name}
    </TextLink>
  )
}
