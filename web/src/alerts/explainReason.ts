import type { Schemas } from '../api/client'
import { limitOf } from '../rules/formatLimit'

export type Reason = Schemas['Reason']

const looked = { deposit: ['deposit', 'deposits'], withdraw: ['withdrawal', 'withdrawals'], any: ['event', 'events'] } as const

/** explain tells a reason in a sentence. A count that reaches its limit fires 30 and 300; the others fire when it is exceeded. */
export function explain({ code, applies_to, limit_at_risk, window_seconds, value }: Reason, risk: string): string {
  const [one, many] = looked[applies_to]
  const count = typeof value === 'number' ? `${value} ${value === 1 ? one : many}` : ''
  const limit = (from: string, to = '') => `At ${risk} risk it is raised ${from} ${limitOf(code, limit_at_risk)}${to}.`
  switch (code) {
    case 30:
      return `The last ${count} came in a row. ${limit('from', ' on')}`
    case 300:
      return `The last ${count} rose one after the other. ${limit('from', ' on')}`
    case 123:
      return `The ${many} of ${window_seconds} seconds sum to ${value}. ${limit('above')}`
    case 500:
      return `There were ${count} within ${window_seconds} seconds. ${limit('above')}`
    case 1100:
      return `This ${one} is of ${value}. ${limit('above')}`
    default:
      return `It measured ${value}. ${limit('by')}`
  }
}
