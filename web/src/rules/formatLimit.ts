/** The rules that count events; the others measure amounts. */
const countingRules = new Set([30, 300, 500])

/** formatLimit is a limit as people read it: of a rule that counts, without the hundredths that it has in the API. */
export function formatLimit(code: number, limit: string): string {
  return countingRules.has(code) ? limit.replace(/\.00$/, '') : limit
}
