import type { Container } from './api'

// Suggestions for the kind of a container. Users may enter any other.

/** parentKinds hold other containers. */
export const parentKinds = ['shelf', 'rack', 'drawer', 'tower', 'box', 'plate']

/** holdsOthers reports whether a container holds others: it has a grid or a capacity, or is of such a kind. */
export const holdsOthers = ({ kind, rows, capacity }: Pick<Container, 'kind' | 'rows' | 'capacity'>): boolean =>
  rows !== null || capacity !== null || (kind !== null && parentKinds.includes(kind.toLowerCase()))

/** kinds are all suggestions, the largest containers first. */
export const kinds = [...parentKinds, 'tube', 'bag']
