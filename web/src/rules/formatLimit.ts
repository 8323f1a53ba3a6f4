/** Rules that count events. The others measure amounts. */
const countingRules = new Set([30, 300, 500])

/**
 * formatLimit formats a limit for display. The API returns all limits with two decimals; counts are shown without them.
 */
export function formatLimit(code: number, limit: string): string {
  return countingRules.has(code) ? limit.replace(/\.00$/, '') : limit
}
