// Where one was lately: things, not lists. It is kept for each user of this browser by itself, until they sign out.

export interface Visit {
  /** In the app: "/sites/1". */
  path: string
  title: string
}

const maxVisits = 6
const detailPath = /^\/[a-z]+\/(?!new$)[^/]+$/
const storageKey = (username: string) => `labledger.recent.${username}`

/** getRecentVisits are the last visits, the newest first. */
export function getRecentVisits(username: string): Visit[] {
  try {
    const stored: unknown = JSON.parse(localStorage.getItem(storageKey(username)) ?? '[]')
    return Array.isArray(stored) ? stored.filter(isVisit) : []
  } catch {
    return []
  }
}

/** rememberVisit keeps a visit, if it was to a thing. */
export function rememberVisit(username: string, path: string, title: string): void {
  if (!detailPath.test(path)) return
  const otherVisits = getRecentVisits(username).filter((visit) => visit.path !== path)
  localStorage.setItem(storageKey(username), JSON.stringify([{ path, title }, ...otherVisits].slice(0, maxVisits)))
}

/** forgetVisits forgets a user's visits. */
export function forgetVisits(username: string): void {
  localStorage.removeItem(storageKey(username))
}

function isVisit(value: unknown): value is Visit {
  return typeof value === 'object' && value !== null && 'path' in value && typeof value.path === 'string' && 'title' in value && typeof value.title === 'string'
}
