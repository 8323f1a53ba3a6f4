import type { Container } from './api'

// Suggestions for the kind of a container. Users may enter any other.

/** holderKinds hold other containers. */
export const holderKinds = ['shelf', 'rack', 'drawer', 'tower', 'box', 'plate']

/** isHolder reports whether a container holds others: it has a grid or a capacity, or is of such a kind. */
export const isHolder = ({ kind, rows, capacity }: Pick<Container, 'kind' | 'rows' | 'capacity'>): boolean =>
  rows !== null || capacity !== null || (kind !== null && holderKinds.includes(kind.toLowerCase()))

/** kinds are all suggestions, the largest containers first. */
export const kinds = [...holderKinds, 'tube', 'bag']
