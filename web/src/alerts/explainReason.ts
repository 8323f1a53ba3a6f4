import type { Schemas } from '../api/client'
import { formatLimit } from '../rules/formatLimit'

export type Reason = Schemas['Reason']

const eventNouns = { deposit: ['deposit', 'deposits'], withdraw: ['withdrawal', 'withdrawals'], any: ['event', 'events'] } as const

/** explainReason tells a reason in a sentence. A count that reaches its limit fires 30 and 300; the others fire when it is exceeded. */
export function explainReason({ code, applies_to, limit_at_risk, window_seconds, value }: Reason, risk: string): string {
  const [singular, plural] = eventNouns[applies_to]
  const count = typeof value === 'number' ? `${value} ${value === 1 ? singular : plural}` : ''
  const describeLimit = (before: string, after = '') => `At ${risk} risk it is raised ${before} ${formatLimit(code, limit_at_risk)}${after}.`
  switch (code) {
    case 30:
      return `The last ${count} came in a row. ${describeLimit('from', ' on')}`
    case 300:
      return `The last ${count} rose one after the other. ${describeLimit('from', ' on')}`
    case 123:
      return `The ${plural} of ${window_seconds} seconds sum to ${value}. ${describeLimit('above')}`
    case 500:
      return `There were ${count} within ${window_seconds} seconds. ${describeLimit('above')}`
    case 1100:
      return `This ${singular} is of ${value}. ${describeLimit('above')}`
    default:
      return `It measured ${value}. ${describeLimit('by')}`
  }
}
