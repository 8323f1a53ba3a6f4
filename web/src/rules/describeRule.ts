import { severityLabels } from '../alerts/api'
import { formatValue } from '../components/formatValue'
import { appliesToLabels, type Rule, type RuleFields, ruleLabels } from './api'
import { formatLimit } from './formatLimit'

const nouns = { deposit: 'deposit', withdraw: 'withdrawal', any: 'event' } as const satisfies Record<
  Rule['applies_to'],
  string
>

/** describeRule describes in one sentence when a rule raises an alert. Rules 30 and 300 fire when the limit is reached. */
export function describeRule({ code, applies_to, limit: limitText, window_seconds }: Rule): string {
  const noun = nouns[applies_to]
  const limit = formatLimit(code, limitText)
  switch (code) {
    case 30:
      return `Raises an alert for ${limit} or more ${noun}s of a person in a row (medium risk).`
    case 300:
      return `Raises an alert for ${limit} or more ${noun}s of a person in a row, each larger than the one before (medium risk).`
    case 123:
      return `Raises an alert if the ${noun}s of a person within ${window_seconds} seconds add up to more than ${limit} (medium risk).`
    case 500:
      return `Raises an alert for more than ${limit} ${noun}s of a person within ${window_seconds} seconds (medium risk).`
    case 1100:
      return `Raises an alert for a single ${noun} of more than ${limit} (medium risk).`
    default:
      return ''
  }
}

/** formatSetting formats a setting of a rule for display. */
export function formatSetting(code: number, field: string, value: unknown): string {
  const text = formatValue(value)
  switch (field) {
    case 'limit':
      return /^\s*\d+(\.\d{1,2})?\s*$/.test(text) ? formatLimit(code, Number(text).toFixed(2)) : text
    case 'applies_to':
      return appliesToLabels[text as Rule['applies_to']] ?? text
    case 'severity':
      return severityLabels[text as Rule['severity']] ?? text
    case 'enabled':
      return value ? 'Yes' : 'No'
    default:
      return text
  }
}

/** describeChanges describes changed settings: "Limit (medium risk): 100.00 → 250.00". */
export function describeChanges(rule: Rule, changes: Partial<RuleFields>): string {
  return (Object.keys(ruleLabels) as (keyof RuleFields)[])
    .filter((name) => name in changes)
    .map((name) => {
      const [before, after] = [rule[name], changes[name]].map((value) => formatSetting(rule.code, name, value))
      return `${ruleLabels[name]}: ${before} → ${after}`
    })
    .join(', ')
}
