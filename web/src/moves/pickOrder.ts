import type { Move } from './api'

/** sortForPicking returns moves in the order of where the containers lie, so that each place is visited once. */
export function sortForPicking(moves: readonly Move[]): Move[] {
  const { compare } = new Intl.Collator('en', { numeric: true })
  return moves.toSorted(
    (a, b) =>
      compare(a.from.site_name, b.from.site_name) ||
      compare(a.from.path, b.from.path) ||
      compare(a.to.path, b.to.path) ||
      compare(moveTitle(a), moveTitle(b)),
  )
}

/** moveTitle returns what people call a moved container. */
export const moveTitle = ({ description, barcode, container_uuid }: Move): string =>
  description?.trim() || barcode || container_uuid

/** describePlace returns where a container lies, with the site if the move leads to another one. */
export const describePlace = (move: Move, end: 'from' | 'to'): string =>
  move.from.site_name === move.to.site_name ? move[end].path : `${move[end].site_name}: ${move[end].path}`

export const countContainers = (count: number): string =>
  count === 1 ? '1 container' : `${count.toLocaleString('en')} containers`
