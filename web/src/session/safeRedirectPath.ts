import { appPath } from '../api/basePath'

/**
 * safeRedirectPath returns the path to open after sign-in. It is always a path of this app: the host of next is
 * ignored, and a path outside the app becomes the overview. This prevents open redirects.
 */
export function safeRedirectPath(next: string | undefined): string {
  if (!next || !URL.canParse(next, location.origin)) return `${appPath}/`
  const { pathname, search, hash } = new URL(next, location.origin)
  return pathname.startsWith(`${appPath}/`) ? pathname + search + hash : `${appPath}/`
}
