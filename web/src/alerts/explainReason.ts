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

/** describeReasons describes the reasons of an alert in a few words: "deposits of 300.00 in 30 s, limit 200.00". */
export const describeReasons = (reasons: readonly Reason[]): string => reasons.map(describeReason).join('; ')

function describeReason({ code, applies_to, limit_at_risk, window_seconds, value }: Reason): string {
  const [singular, plural] = eventNouns[applies_to]
  const limit = `limit ${formatLimit(code, limit_at_risk)}`
  const noun = value === 1 ? singular : plural
  switch (code) {
    case 30:
      return `${value} ${noun} in a row, ${limit}`
    case 300:
      return `${value} rising ${noun}, ${limit}`
    case 123:
      return `${plural} of ${value} in ${window_seconds} s, ${limit}`
    case 500:
      return `${value} ${noun} in ${window_seconds} s, ${limit}`
    case 1100:
      return `${singular} of ${value}, ${limit}`
    default:
      return `${value}, ${limit}`
  }
}

const capitalize = (text: string) => text.charAt(0).toUpperCase() + text.slice(1)
