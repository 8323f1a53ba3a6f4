import { formatLimit } from './formatLimit'

/**
 * limitsByRisk returns the limits that follow from the limit at medium risk: twice as much at low risk, and half of it,
 * rounded down to an integer, plus 1 at high risk. It returns undefined for a text that is not an amount. The server
 * computes limits in the same way, in internal/rules.
 */
export function limitsByRisk(code: number, limit: string): Record<'low' | 'medium' | 'high', string> | undefined {
  if (!/^\d{1,10}(\.\d{1,2})?$/.test(limit.trim())) return undefined
  const cents = Math.round(Number(limit) * 100)
  const format = (value: number) => formatLimit(code, (value / 100).toFixed(2))
  return { low: format(cents * 2), medium: format(cents), high: format(Math.floor(cents / 200) * 100 + 100) }
}
