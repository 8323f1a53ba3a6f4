import type { NewRow } from '../addMany/api'
import { findExactHits } from '../search/findExactHits'
import { parsePlaceKey } from '../storage/placeKey'
import { type NewContainerFields, readBarcode } from './api'

interface PersonName {
  username: string
  display_name: string
}

/**
 * toNewContainers returns the containers of the rows of the grid. They lie in the target, or in the container whose
 * barcode the row has.
 */
export function toNewContainers(target: string, rows: NewRow[], people: readonly PersonName[]): NewContainerFields[] {
  const { freezer_id, container_uuid: parent_uuid } = parsePlaceKey(target) ?? {}
  return rows.map(({ barcode, parent, owner, ...fields }) => {
    const row = Object.fromEntries(Object.entries(fields).map(([name, text]) => [name, text?.trim() || null]))
    return {
      ...row,
      ...(owner && { owner: findUsername(owner, people) }),
      ...readBarcode(barcode),
      ...(parent ? { parent: parent.trim() } : { freezer_id, parent_uuid }),
    }
  })
}

/** findUsername returns the username of the person that a text names, or the text: the server rejects an unknown one. */
function findUsername(text: string, people: readonly PersonName[]): string {
  const named = findExactHits(
    text,
    'user',
    people.map(({ username, display_name }) => ({ key: username, title: display_name })),
  )
  return named.length === 1 ? (named[0]?.key ?? text) : text.trim()
}
