import { fieldLabel } from '../api/fieldErrors'
import type { FieldError } from '../api/problem'

/** Conflict is one reason why containers cannot move, with the container or the place that it is about. */
export interface Conflict {
  subject: string
  message: string
}

interface Names {
  /** Titles of the containers, in the order of the request. */
  items: readonly string[]
  /** Names of the places that they go to, in the order of the request. */
  places: readonly string[]
}

/** describeConflicts returns the errors of a move with the names of containers and places in place of their numbers. */
export const describeConflicts = (errors: readonly FieldError[], names: Names): Conflict[] =>
  errors.map(({ field, message }) => ({ subject: describeSubject(field, names), message: describe(message, names) }))

function describeSubject(field: string, { items, places }: Names): string {
  const [, list, number] = /^(containers|to)\[(\d+)\]/.exec(field) ?? []
  if (list === 'containers') return items[Number(number)] ?? `Container ${Number(number) + 1}`
  if (list === 'to') return places[Number(number)] ?? `Place ${Number(number) + 1}`
  if (field !== 'to' && !field.startsWith('to.')) return fieldLabel(field)
  return places.length === 1 ? (places[0] ?? '') : 'The chosen places'
}

const describe = (message: string, { items }: Names): string =>
  message
    .replace(/^Is full: /, '')
    .replace(/^This (container|freezer) does not exist\. Choose another\.$/, 'No longer exists')
    .replaceAll(/containers\[(\d+)\]/g, (text, number: string) => items[Number(number)] ?? text)
