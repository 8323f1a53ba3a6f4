// Where a container lies: directly in a freezer, or in another container. A picker has both in one list of keys.

export type Holder = { freezer_id: number } | { parent_uuid: string }

/** holderKey returns the key of a holder: "freezer 107" or "container 5e1f…". It is '' for none. */
export function holderKey({
  freezer_id,
  parent_uuid,
}: {
  freezer_id?: number | null | undefined
  parent_uuid?: string | null | undefined
}): string {
  if (parent_uuid) return `container ${parent_uuid}`
  return freezer_id ? `freezer ${freezer_id}` : ''
}

/** parseHolder returns the holder of a key, or undefined for ''. */
export function parseHolder(key: string): Holder | undefined {
  const [kind, id = ''] = key.split(' ')
  if (kind === 'container') return { parent_uuid: id }
  return kind === 'freezer' ? { freezer_id: Number(id) } : undefined
}

/** parentOf returns the UUID of the container of a key, or undefined. */
export function parentOf(key: string): string | undefined {
  const holder = parseHolder(key)
  return holder && 'parent_uuid' in holder ? holder.parent_uuid : undefined
}
