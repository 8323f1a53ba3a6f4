import type { Tone } from '../components/StatusBadge'
import type { StocktakeItem, StocktakeTotals } from './api'

export type StocktakeResult = StocktakeItem['result']

/** results are the results of the items of a stock-take, what needs attention first. */
export const results: { value: StocktakeResult; label: string; tone: Tone }[] = [
  { value: 'missing', label: 'Missing', tone: 'critical' },
  { value: 'misplaced', label: 'Misplaced', tone: 'warning' },
  { value: 'unexpected', label: 'Unexpected', tone: 'warning' },
  { value: 'unknown', label: 'Unknown code', tone: 'critical' },
  { value: 'checked_out', label: 'Checked out', tone: 'info' },
  { value: 'moved', label: 'Moved since', tone: 'inactive' },
  { value: 'found', label: 'Found', tone: 'fine' },
]

/** resultLabel returns the name of a result. What is missing is only not scanned yet while the stock-take is open. */
export function resultLabel(result: StocktakeResult, isOpen: boolean): string {
  if (result === 'missing' && isOpen) return 'Not scanned'
  return results.find(({ value }) => value === result)?.label ?? result
}

/** resultTone returns the meaning of a result. */
export function resultTone(result: StocktakeResult, isOpen: boolean): Tone {
  if (result === 'missing' && isOpen) return 'inactive'
  return results.find(({ value }) => value === result)?.tone ?? 'inactive'
}

/** describeProgress tells how many of the expected containers were scanned: "30 of 32 scanned". */
export function describeProgress(stocktake: StocktakeTotals): string {
  const { scanned, expected } = countScanned(stocktake)
  return `${scanned.toLocaleString('en')} of ${expected.toLocaleString('en')} scanned`
}

/** countScanned counts the expected containers, and those of them that were scanned. */
export function countScanned({ found, misplaced, missing }: StocktakeTotals): { scanned: number; expected: number } {
  return { scanned: found + misplaced, expected: found + misplaced + missing }
}

/** homeOf returns where the register has a container: "Minus80-B2 › Box 12, A4". It is '' if it has no place. */
export const homeOf = ({ home_freezer_name, home_parent_name, home_position }: StocktakeItem): string =>
  joinPlace([home_freezer_name, home_parent_name], home_position)

/** homeIn returns the place of a container in a freezer: "A4 of Box 12". Elsewhere, it is that of homeOf. */
export const homeIn = (freezer_id: number, item: StocktakeItem): string =>
  item.home_freezer_id === freezer_id && item.home_parent_name !== null
    ? positionOf(item.home_parent_name, item.home_position)
    : homeOf(item)

/** scannedAt returns where a container was scanned: "A4 of Box 12". It is '' if the scan does not say. */
export const scannedAt = ({ scanned_parent_name, scanned_position }: StocktakeItem): string =>
  positionOf(scanned_parent_name ?? '', scanned_position)

const positionOf = (parent: string, position: string | null): string => (position ? `${position} of ${parent}` : parent)

const joinPlace = (names: (string | null)[], position: string | null): string =>
  [names.filter(Boolean).join(' › '), position].filter(Boolean).join(', ')
