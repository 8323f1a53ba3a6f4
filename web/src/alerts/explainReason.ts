import type { Schemas } from '../api/client'
import { formatLimit } from '../rules/formatLimit'

export type Reason = Schemas['Reason']

const eventNouns = {
  deposit: ['deposit', 'deposits'],
  withdraw: ['withdrawal', 'withdrawals'],
  any: ['event', 'events'],
} as const

/**
 * explainReason describes a reason in one sentence. Rules 30 and 300 fire when the limit is reached, the others when it
 * is exceeded.
 */
export function explainReason(
  { code, applies_to, limit_at_risk, window_seconds, value }: Reason,
  risk: string,
): string {
  const [singular, plural] = eventNouns[applies_to]
  const count = typeof value === 'number' ? `${value} ${value === 1 ? singular : plural}` : ''
  const limitClause = `the limit at ${risk} risk is ${formatLimit(code, limit_at_risk)}`
  switch (code) {
    case 30:
      return `${count} in a row; ${limitClause}.`
    case 300:
      return `${value} rising ${value === 1 ? singular : plural} in a row; ${limitClause}.`
    case 123:
      return `${capitalize(plural)} within ${window_seconds} seconds add up to ${value}; ${limitClause}.`
    case 500:
      return `${count} within ${window_seconds} seconds; ${limitClause}.`
    case 1100:
      return `${capitalize(singular)} of ${value}; ${limitClause}.`
    default:
      return `Measured value: ${value}; ${limitClause}.`
  }
}

const capitalize = (text: string) => text.charAt(0).toUpperCase() + text.slice(1)
