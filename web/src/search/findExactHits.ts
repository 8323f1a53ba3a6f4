import type { EntityKind, SearchHit } from './api'

/** foldText returns a text without case and accents, like the search of the server. */
export const foldText = (text: string) =>
  text
    .normalize('NFKD')
    .replaceAll(/[\p{Mn}\u00ad\u200b-\u200f]/gu, '')
    .toLowerCase()
    .replaceAll(/\s+/g, ' ')
    .trim()

/** Digits of the codes that name one row: a MAC address or a UUID. */
const codeLengths: Partial<Record<EntityKind, number>> = { computer: 12, container: 32, event: 32, alert: 32 }

/**
 * findExactHits returns the hits that a text names: by the key or the name, or by a MAC address or UUID in any
 * notation, which the search of the server understands.
 */
export function findExactHits<Hit extends Pick<SearchHit, 'key' | 'title'>>(
  text: string,
  kind: EntityKind,
  hits: Hit[],
): Hit[] {
  const named = hits.filter(({ key, title }) => key === text.trim() || foldText(title) === foldText(text))
  if (named.length > 0) return named
  const digits = text.toLowerCase().replace(/^\s*urn:uuid:/, '').replaceAll(/[-:.{}\s]/g, '')
  return digits.length === codeLengths[kind] && /^[0-9a-f]+$/.test(digits) ? hits : []
}
