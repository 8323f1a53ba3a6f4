import type { Conflict } from '../api/useRowEdit'

/**
 * diffFields groups the changed fields of an edit conflict: changed differently on both sides, or on one side only. It
 * omits fields that both sides set to the same value.
 */
export function diffFields<T extends object, FieldName extends keyof T>(
  { base, local, remote }: Conflict<T>,
  fieldNames: FieldName[],
): { conflicting: FieldName[]; localOnly: FieldName[]; remoteOnly: FieldName[] } {
  const isChangedLocally = (name: FieldName) => name in local && local[name] !== remote[name]
  return {
    conflicting: fieldNames.filter((name) => isChangedLocally(name) && base[name] !== remote[name]),
    localOnly: fieldNames.filter((name) => isChangedLocally(name) && base[name] === remote[name]),
    remoteOnly: fieldNames.filter((name) => !(name in local) && base[name] !== remote[name]),
  }
}
