/**
 * safeRedirectPath returns the path to open after sign-in. It always lies within this app: the host of next is ignored, and any
 * other path becomes the start page. This prevents open redirects.
 */
export function safeRedirectPath(next: string | undefined): string {
  if (!next || !URL.canParse(next, location.origin)) return '/app/'
  const { pathname, search, hash } = new URL(next, location.origin)
  return pathname.startsWith('/app/') ? pathname + search + hash : '/app/'
}
