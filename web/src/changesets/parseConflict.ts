import type { FieldError } from '../api/problem'
import { tableOf } from '../history/tables'

export interface Conflict {
  /** The table and the key of the row, or undefined if the error is about several rows. */
  table?: string | undefined
  key?: string | undefined
  text: string
  /** The change that prevents the undo. */
  since?: { name: string; actor: string; at: string; changesetId: string }
}

const changedSince = /^(.*) was changed by (.+) on (\d{4}-\d\d-\d\d) at (\d\d:\d\d) UTC, in change set (\d+)$/s

/** parseConflict reads an error of a rejected undo: the row in field, and in message what has happened to it. */
export function parseConflict({ field, message }: Pick<FieldError, 'field' | 'message'>): Conflict {
  const space = field.lastIndexOf(' ')
  const table = tableOf(field.slice(0, space))
  const key = table && field.slice(space + 1)
  const [, name, actor, day, time, changesetId] = changedSince.exec(message) ?? []
  return {
    table,
    key,
    text: message,
    ...(name !== undefined && actor && day && time && changesetId && {
      since: { name, actor, at: `${day}T${time}:00Z`, changesetId },
    }),
  }
}
