/** inside is where somebody wanted to go, if that is in this app; nobody is led elsewhere by a link to the sign-in page. */
export function inside(next: string | undefined): string {
  if (!next || !URL.canParse(next, location.origin)) return '/app/'
  const { origin, pathname, search, hash } = new URL(next, location.origin)
  return origin === location.origin && pathname.startsWith('/app/') ? pathname + search + hash : '/app/'
}
