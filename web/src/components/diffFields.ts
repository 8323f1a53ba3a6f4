import type { Conflict } from '../api/useRowEdit'

/** diffFields sorts the fields that two people have changed: both to different values, or one of them alone. What both set alike is no matter. */
export function diffFields<T extends object, FieldName extends keyof T>({ base, local, remote }: Conflict<T>, fieldNames: FieldName[]): { conflicting: FieldName[]; localOnly: FieldName[]; remoteOnly: FieldName[] } {
  const isChangedLocally = (name: FieldName) => name in local && local[name] !== remote[name]
  return {
    conflicting: fieldNames.filter((name) => isChangedLocally(name) && base[name] !== remote[name]),
    localOnly: fieldNames.filter((name) => isChangedLocally(name) && base[name] === remote[name]),
    remoteOnly: fieldNames.filter((name) => !(name in local) && base[name] !== remote[name]),
  }
}
