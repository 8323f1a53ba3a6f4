import type { Change } from './api'

export interface FieldDiff {
  field: string
  before: unknown
  after: unknown
}

/** derivedFields follow from others: the version always changes, and the place of a container determines the rest. */
const derivedFields = new Set([
  'version',
  'depth',
  'layout',
  'parent_depth',
  'parent_layout',
  'position_row',
  'position_column',
])

/** A row has null where a new or deleted one has nothing. */
const isSame = (a: unknown, b: unknown) => JSON.stringify(a ?? null) === JSON.stringify(b ?? null)

/** diffChange returns the fields that a change modified, without those that follow from others. */
export function diffChange({ before, after }: Pick<Change, 'before' | 'after'>): FieldDiff[] {
  const [previous, current] = [before ?? {}, after ?? {}]
  return [...new Set([...Object.keys(previous), ...Object.keys(current)])]
    .filter((field) => !derivedFields.has(field) && !isSame(previous[field], current[field]))
    .map((field) => ({ field, before: previous[field], after: current[field] }))
}
