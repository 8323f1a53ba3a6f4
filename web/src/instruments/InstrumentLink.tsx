import { TextLink } from '../parts/links'

/** InstrumentLink leads to a freezer or a computer. */
export function InstrumentLink({ kind, id, name }: { kind: 'freezer' | 'computer'; id: number; name: string }) {
  return (
    <TextLink to={kind === 'freezer' ? '/freezers/$id' : '/computers/$id'} params={{ id: String(id) }}>
      {name}
    </TextLink>
  )
}
