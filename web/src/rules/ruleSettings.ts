import { changedFields } from '../components/form'
import type { Rule, RuleFields } from './api'
import { formatLimit } from './formatLimit'

/** RuleFormValues are the values of the form fields. */
export interface RuleFormValues {
  title: string
  applies_to: Rule['applies_to']
  limit: string
  window_seconds: string
  enabled: boolean
}

/** toFormValues converts settings to form values. */
export const toFormValues = (code: number, rule: Partial<RuleFields>): RuleFormValues => ({
  title: rule.title ?? '',
  applies_to: rule.applies_to ?? 'any',
  limit: formatLimit(code, rule.limit ?? ''),
  window_seconds: rule.window_seconds == null ? '' : String(rule.window_seconds),
  enabled: rule.enabled ?? true,
})

/**
 * changedSettings returns the settings that differ from the rule. Equal numbers, such as 250 and 250.00, do not differ.
 */
export function changedSettings(
  rule: Rule,
  { limit, window_seconds, ...otherValues }: RuleFormValues,
): Partial<RuleFields> {
  return changedFields<RuleFields>(rule, {
    ...otherValues,
    limit: limit.trim() !== '' && Number(limit) === Number(rule.limit) ? rule.limit : limit.trim(),
    window_seconds: window_seconds.trim() === '' ? null : Number(window_seconds),
  })
}
