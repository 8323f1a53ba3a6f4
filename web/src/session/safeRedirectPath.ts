/** safeRedirectPath is where somebody wanted to go, as a path of this app: whatever server a link to the sign-in page names, nobody is led there. */
export function safeRedirectPath(next: string | undefined): string {
  if (!next || !URL.canParse(next, location.origin)) return '/app/'
  const { pathname, search, hash } = new URL(next, location.origin)
  return pathname.startsWith('/app/') ? pathname + search + hash : '/app/'
}
