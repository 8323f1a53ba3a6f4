import type { ImportTarget } from './importTargets'
import type { Candidate } from './candidates'

/** Names maps the texts of each field that refers to other rows to the rows that they may name. */
export type Names = Map<string, Map<string, Candidate[]>>

/** UnclearName is a text that names no row, or several rows. */
export interface UnclearName {
  field: string
  text: string
  candidates: Candidate[]
}

/** collectTexts adds the texts of reference fields to sets by field. */
export function collectTexts(
  { references }: ImportTarget,
  columns: readonly (string | undefined)[],
  cells: readonly string[],
  texts: Map<string, Set<string>>,
) {
  for (const [i, field] of columns.entries())
    if (field && references[field]) {
      const text = (cells[i] ?? '').trim()
      if (!texts.has(field)) texts.set(field, new Set())
      if (text !== '') texts.get(field)?.add(text)
    }
}

/** replaceName returns what the API stores for a text, or the text itself if it names no row or several rows. */
export function replaceName(names: Names, field: string | undefined, text: string): string {
  const candidates = field && names.get(field)?.get(text.trim())
  return candidates && candidates.length === 1 ? (candidates[0]?.value ?? text) : text
}

/** unclearNames returns the texts that name no row or several rows. */
export const unclearNames = (names: Names): UnclearName[] =>
  [...names].flatMap(([field, fieldNames]) =>
    [...fieldNames]
      .filter(([, candidates]) => candidates.length !== 1)
      .map(([text, candidates]) => ({ field, text, candidates })),
  )

/** describeUnclearName returns the error of a cell. */
export function describeUnclearName({ references }: ImportTarget, { field, text, candidates }: UnclearName): string {
  return candidates.length === 0
    ? `There is no ${references[field]} named “${text}”`
    : `${candidates.length} ${references[field]}s are named “${text}”. Choose one below`
}
