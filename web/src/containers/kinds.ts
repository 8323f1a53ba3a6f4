// Suggestions for the kind of a container. Users may enter any other.

/** holderKinds hold other containers. */
export const holderKinds = ['shelf', 'rack', 'drawer', 'tower', 'box', 'plate']

/** kinds are all suggestions, the largest containers first. */
export const kinds = [...holderKinds, 'tube', 'bag']
