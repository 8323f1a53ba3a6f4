import { containerTitle } from '../containers/api'
import type { Content } from './api'
import type { Cell } from './positions'

const stateWords: Partial<Record<Cell['state'], string>> = { reserved: 'checked out', missing: 'missing' }

/** cellName returns the accessible name of a cell: "B4, Tube 1, serum" or "B4, free". */
export function cellName({ label, state, content }: Cell): string {
  if (!content) return `${label}, ${state}`
  const { type, positions, containers } = content
  const count = positions === null ? '' : `${containers} of ${positions}`
  return [label, containerTitle(content), type, stateWords[state], count].filter(Boolean).join(', ')
}

/** contentSize returns how many containers lie in one that holds others, such as "71 of 81", or ''. */
export function contentSize({ positions, containers }: Pick<Content, 'positions' | 'containers'>): string {
  if (positions !== null) return `${containers.toLocaleString('en')} of ${positions.toLocaleString('en')}`
  return containers > 0 ? containers.toLocaleString('en') : ''
}
