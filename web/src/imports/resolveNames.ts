import { findCandidates } from './findCandidates'
import type { ImportTarget } from './importTargets'
import type { Names } from './names'

/** resolveNames finds the rows that the texts of reference fields name. */
export async function resolveNames(
  { references }: ImportTarget,
  texts: ReadonlyMap<string, ReadonlySet<string>>,
  signal: AbortSignal,
): Promise<Names> {
  const names: Names = new Map()
  for (const [field, fieldTexts] of texts) {
    const kind = references[field]
    if (kind) names.set(field, await findCandidates(kind, fieldTexts, signal))
  }
  return names
}
