import { scopedName } from '../api/basePath'

// Recently visited detail screens, stored in this browser for each user until sign-out.

export interface Visit {
  /** Path within the app, such as "/sites/1". */
  path: string
  title: string
}

const maxVisits = 6
const detailPath = /^\/[a-z]+\/(?!(?:new|add)$)[^/]+$/
const storageKey = (username: string) => scopedName(`recent.${username}`)

/** getRecentVisits returns the last visits of a user, newest first. */
export function getRecentVisits(username: string): Visit[] {
  try {
    const stored: unknown = JSON.parse(localStorage.getItem(storageKey(username)) ?? '[]')
    return Array.isArray(stored) ? stored.filter(isVisit) : []
  } catch {
    return []
  }
}

/** rememberVisit stores a visit to a detail screen and ignores other paths. */
export function rememberVisit(username: string, path: string, title: string): void {
  if (!detailPath.test(path)) return
  const otherVisits = getRecentVisits(username).filter((visit) => visit.path !== path)
  localStorage.setItem(storageKey(username), JSON.stringify([{ path, title }, ...otherVisits].slice(0, maxVisits)))
}

/** forgetVisits deletes the visits of a user. */
export function forgetVisits(username: string): void {
  localStorage.removeItem(storageKey(username))
}

function isVisit(value: unknown): value is Visit {
  return (
    typeof value === 'object' &&
    value !== null &&
    'path' in value &&
    typeof value.path === 'string' &&
    'title' in value &&
    typeof value.title === 'string'
  )
}
