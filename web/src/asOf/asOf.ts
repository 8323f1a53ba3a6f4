import { useSearch } from '@tanstack/react-router'

// as_of in the URL is the time at which lists and maps show the laboratory. Screens are read-only then.

/** AsOf is a time in the past (RFC 3339), or undefined for now. */
export type AsOf = string | undefined

/** asOfPaths are the routes that show the past. Links between them keep the time. */
export const asOfPaths: readonly string[] = [
  '/sites',
  '/sites/$id',
  '/storage',
  '/instruments',
  '/freezers/$id',
  '/computers/$id',
  '/containers',
  '/containers/$uuid',
]

const asOfNouns: readonly string[] = ['sites', 'freezers', 'computers', 'instruments', 'containers']

/** isAsOfNoun reports whether the API returns the past of a list. */
export const isAsOfNoun = (noun: string): boolean => asOfNouns.includes(noun)

/** asOfParam returns the parameter of the API for a time in the past. */
export const asOfParam = (asOf: AsOf): { as_of?: string } => (asOf === undefined ? {} : { as_of: asOf })

/** asOfKey returns the end of the query key of what is read at a time in the past. */
export const asOfKey = (asOf: AsOf): { as_of: string }[] => (asOf === undefined ? [] : [{ as_of: asOf }])

/** parseAsOf returns the time of a URL, or undefined if it is no time or not in the past. */
export function parseAsOf(text: string | undefined, now = Date.now()): AsOf {
  const time = text ? Date.parse(text) : NaN
  return Number.isNaN(time) || time >= now ? undefined : text
}

/** useAsOf returns the time in the past that the screen shows, or undefined for now. */
export const useAsOf = (): AsOf => parseAsOf((useSearch({ strict: false }) as { as_of?: string }).as_of)
