import type { Change } from './api'

export interface FieldDiff {
  field: string
  before: unknown
  after: unknown
}

/** diffChange returns the fields that a change modified, without the version, which always changes. */
export function diffChange({ before, after }: Pick<Change, 'before' | 'after'>): FieldDiff[] {
  const [previous, current] = [before ?? {}, after ?? {}]
  return [...new Set([...Object.keys(previous), ...Object.keys(current)])]
    .filter((field) => field !== 'version' && JSON.stringify(previous[field]) !== JSON.stringify(current[field]))
    .map((field) => ({ field, before: previous[field], after: current[field] }))
}
