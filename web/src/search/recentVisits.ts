// Where one was lately: things, not lists. It is kept for each user of this browser by itself, until they sign out.

export interface Visit {
  /** In the app: "/sites/1". */
  path: string
  title: string
}

const most = 6
const isThing = /^\/[a-z]+\/(?!new$)[^/]+$/
const keyOf = (username: string) => `labledger.recent.${username}`

/** recent are the last visits, the newest first. */
export function recent(username: string): Visit[] {
  try {
    const found: unknown = JSON.parse(localStorage.getItem(keyOf(username)) ?? '[]')
    return Array.isArray(found) ? found.filter(isVisit) : []
  } catch {
    return []
  }
}

/** remember keeps a visit, if it was to a thing. */
export function remember(username: string, path: string, title: string): void {
  if (!isThing.test(path)) return
  const others = recent(username).filter((visit) => visit.path !== path)
  localStorage.setItem(keyOf(username), JSON.stringify([{ path, title }, ...others].slice(0, most)))
}

/** forget forgets a user's visits. */
export function forget(username: string): void {
  localStorage.removeItem(keyOf(username))
}

function isVisit(one: unknown): one is Visit {
  return typeof one === 'object' && one !== null && 'path' in one && typeof one.path === 'string' && 'title' in one && typeof one.title === 'string'
}
