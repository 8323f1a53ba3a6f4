import type { Schemas } from '../api/client'

/** differences are the fields in which a row before and after a change differ; its version always does. */
export function differences({ before, after }: Pick<Schemas['Change'], 'before' | 'after'>): { field: string; before: unknown; after: unknown }[] {
  const [old, next] = [before ?? {}, after ?? {}]
  return [...new Set([...Object.keys(old), ...Object.keys(next)])]
    .filter((field) => field !== 'version' && JSON.stringify(old[field]) !== JSON.stringify(next[field]))
    .map((field) => ({ field, before: old[field], after: next[field] }))
}
