import type { RowChange } from './api'
import { diffChange } from './diffChange'

// What a change in the history of a row can restore, as the fields of an ordinary edit.

type Values = Record<string, unknown>

/** placeFields say together where a container lies: none of them is restored without the others. */
const placeFields = ['freezer_id', 'parent_uuid', 'position']

const isSame = (a: unknown, b: unknown) => JSON.stringify(a ?? null) === JSON.stringify(b ?? null)

/** placeOf returns the place in a state of a container. The freezer follows from the container around it. */
const placeOf = ({ freezer_id, parent_uuid, position }: Values): Values =>
  parent_uuid ? { parent_uuid, position } : { freezer_id, parent_uuid: null }

/** pickFields returns the fields of a state that differ from the row, for an edit of the row. */
function pickFields(state: Values, row: Values, fields: readonly string[]): Values {
  const changed = fields.filter((field) => field in state && !isSame(state[field], row[field]))
  const isMoved = 'parent_uuid' in state && changed.some((field) => placeFields.includes(field))
  const others = isMoved ? changed.filter((field) => !placeFields.includes(field)) : changed
  return { ...Object.fromEntries(others.map((field) => [field, state[field] ?? null])), ...(isMoved && placeOf(state)) }
}

export interface FieldRestore {
  field: string
  /** The former value. */
  value: unknown
  /** The edit that restores the value. */
  edit: Values
}

/** listFieldRestores returns the former values of a change that differ from the row. fields are those of the form. */
export function listFieldRestores(change: RowChange, row: Values, fields: readonly string[]): FieldRestore[] {
  const { before } = change
  if (change.action !== 'update' || before === null) return []
  return diffChange(change)
    .filter(({ field }) => fields.includes(field))
    .map(({ field, before: value }) => ({ field, value, edit: pickFields(before, row, restoredWith(field, before)) }))
    .filter(({ edit }) => Object.keys(edit).length > 0)
}

const restoredWith = (field: string, state: Values): string[] =>
  placeFields.includes(field) && 'parent_uuid' in state ? placeFields : [field]

/** restoreVersion returns the edit that makes the row what it was after a change; it is empty if nothing differs. */
export const restoreVersion = ({ after }: Pick<RowChange, 'after'>, row: Values, fields: readonly string[]): Values =>
  after === null ? {} : pickFields(after, row, fields)
