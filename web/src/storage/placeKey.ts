// A place is where a container lies: directly in a freezer, or in another container.

/** PlaceKey is the key of a place in lists and forms: "freezer 107" or "container 5e1f…". */
export type PlaceKey = `freezer ${string}` | `container ${string}`

type Place = { freezer_id: number; container_uuid?: undefined } | { freezer_id?: undefined; container_uuid: string }

export const freezerKey = (id: number): PlaceKey => `freezer ${id}`
export const containerKey = (uuid: string): PlaceKey => `container ${uuid}`

interface Placed {
  freezer_id?: number | null | undefined
  parent_uuid?: string | null | undefined
}

/** placeKeyOf returns the key of the place of a container, or '' for none. */
export function placeKeyOf({ freezer_id, parent_uuid }: Placed): PlaceKey | '' {
  if (parent_uuid) return containerKey(parent_uuid)
  return freezer_id ? freezerKey(freezer_id) : ''
}

/** parsePlaceKey returns the place of a key as the API names it, or undefined for ''. */
export function parsePlaceKey(key: PlaceKey): Place
export function parsePlaceKey(key: string): Place | undefined
export function parsePlaceKey(key: string): Place | undefined {
  const [kind, id = ''] = key.split(' ')
  if (kind === 'container') return { container_uuid: id }
  return kind === 'freezer' ? { freezer_id: Number(id) } : undefined
}
