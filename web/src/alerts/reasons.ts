/** A Reason is why one rule raised an alert: the rule as it was then, what it measured, and the events that it counted. */
export interface Reason {
  code: number
  title: string
  version: number
  applies_to: string
  limit: string
  limit_at_risk: string
  window_seconds: number | null
  value: string | number
  /** Only an alert that was read alone has them. */
  event_ids: string[] | undefined
}

/** reasonsOf reads the reasons of an alert, which the API keeps as they were written: what is not there is left blank, not guessed. */
export function reasonsOf(reasons: unknown): Reason[] {
  if (!Array.isArray(reasons)) return []
  return reasons.map((one: Partial<Record<keyof Reason, unknown>>) => ({
    code: Number(one.code),
    title: String(one.title ?? ''),
    version: Number(one.version ?? 0),
    applies_to: String(one.applies_to ?? 'any'),
    limit: String(one.limit ?? ''),
    limit_at_risk: String(one.limit_at_risk ?? ''),
    window_seconds: typeof one.window_seconds === 'number' ? one.window_seconds : null,
    value: typeof one.value === 'number' ? one.value : String(one.value ?? ''),
    event_ids: Array.isArray(one.event_ids) ? one.event_ids.map(String) : undefined,
  }))
}

const looked = { deposit: ['deposit', 'deposits'], withdraw: ['withdrawal', 'withdrawals'], any: ['event', 'events'] } as const

/** explain tells a reason in a sentence. A count that reaches its limit fires 30 and 300; the others fire when it is exceeded. */
export function explain({ code, applies_to, limit_at_risk, window_seconds, value }: Reason, risk: string): string {
  const [one, many] = looked[applies_to as keyof typeof looked] ?? looked.any
  const count = typeof value === 'number' ? `${value} ${value === 1 ? one : many}` : ''
  const whole = limit_at_risk.replace(/\.00$/, '')
  const limit = (from: string, text: string) => `At ${risk} risk it is raised ${from} ${text}.`
  switch (code) {
    case 30:
      return `The last ${count} came in a row. ${limit('from', `${whole} on`)}`
    case 300:
      return `The last ${count} rose one after the other. ${limit('from', `${whole} on`)}`
    case 123:
      return `The ${many} of ${window_seconds} seconds sum to ${value}. ${limit('above', limit_at_risk)}`
    case 500:
      return `There were ${count} within ${window_seconds} seconds. ${limit('above', whole)}`
    case 1100:
      return `This ${one} is of ${value}. ${limit('above', limit_at_risk)}`
    default:
      return `It measured ${value}. ${limit('by', whole)}`
  }
}
