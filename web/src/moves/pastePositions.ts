import type { MoveItem } from './api'

/**
 * pastePositions returns the positions of containers from pasted lines, the first line for the first container, or
 * undefined for a single line, which the field takes as it is.
 */
export function pastePositions(text: string, items: readonly MoveItem[]): Record<string, string> | undefined {
  const lines = text.replace(/\r?\n$/, '').split(/\r?\n/)
  if (lines.length < 2) return undefined
  return Object.fromEntries(items.slice(0, lines.length).map(({ uuid }, i) => [uuid, lines[i]?.split('\t')[0]?.trim() ?? '']))
}
