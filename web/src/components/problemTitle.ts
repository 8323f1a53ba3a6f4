import type { Problem } from '../api/problem'

const titles: Record<number, string> = {
  400: 'Invalid input',
  401: 'Sign-in failed',
  403: 'You don’t have access',
  404: 'Not found',
  409: 'Conflict with other data',
  412: 'Changed by another user',
  413: 'Too large',
  429: 'Too many requests',
  503: 'Server unavailable',
}

/** problemTitle returns a heading for a problem, without the words of HTTP. */
export function problemTitle({ status, title }: Problem): string {
  if (status >= 500) return titles[status] ?? 'Server error'
  if (status >= 400) return titles[status] ?? 'Request failed'
  return title // no response, or an error of the app
}
