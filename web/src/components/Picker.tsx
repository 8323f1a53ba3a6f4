import { type EntityKind, fetchHits } from '../search/api'
import { findExactHits } from '../search/findExactHits'
import { AsyncSelect, type AsyncSelectProps } from './AsyncSelect'

/** Picker selects a row of one kind, by a part of its name or by its ID. */
export function Picker({ kind, ...rest }: AsyncSelectProps & { kind: EntityKind }) {
  return (
    <AsyncSelect
      {...rest}
      queryKey={['search', 'options', kind]}
      fetchOptions={(text, signal) => fetchHits(kind, text, signal)}
      findNamed={(text, options) => findExactHits(text, kind, options)}
    />
  )
}
