/** The rules that count events; the others measure amounts. */
const counting = new Set([30, 300, 500])

/** limitOf is a limit as people read it: of a rule that counts, without the hundredths that it has in the API. */
export function limitOf(code: number, limit: string): string {
  return counting.has(code) ? limit.replace(/\.00$/, '') : limit
}
