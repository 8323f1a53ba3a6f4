import type { Schemas } from '../api/client'

/** diffChange are the fields in which a row before and after a change differ; its version always does. */
export function diffChange({ before, after }: Pick<Schemas['Change'], 'before' | 'after'>): { field: string; before: unknown; after: unknown }[] {
  const [previous, current] = [before ?? {}, after ?? {}]
  return [...new Set([...Object.keys(previous), ...Object.keys(current)])]
    .filter((field) => field !== 'version' && JSON.stringify(previous[field]) !== JSON.stringify(current[field]))
    .map((field) => ({ field, before: previous[field], after: current[field] }))
}
