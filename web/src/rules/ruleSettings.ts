import { changedFields } from '../components/form'
import type { PreviewRequest, Rule, RuleFields } from './api'
import { formatLimit } from './formatLimit'

/** RuleFormValues are the values of the form fields. */
export interface RuleFormValues {
  limit: string
  window_seconds: string
  applies_to: Rule['applies_to']
  severity: Rule['severity']
  title: string
  enabled: boolean
}

/** toFormValues converts settings to form values. */
export const toFormValues = (code: number, rule: RuleFields): RuleFormValues => ({
  limit: formatLimit(code, rule.limit),
  window_seconds: rule.window_seconds === null ? '' : String(rule.window_seconds),
  applies_to: rule.applies_to,
  severity: rule.severity,
  title: rule.title,
  enabled: rule.enabled,
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
    window_seconds: parseWindow(window_seconds.trim()),
  })
}

/** parseWindow returns a number of seconds, null if it is missing, or a text that the server rejects. */
function parseWindow(text: string): number | null {
  if (text === '') return null
  return /^\d+$/.test(text) ? Number(text) : (text as unknown as number)
}

/** previewedChanges returns those changes that determine which alerts a rule raises, or undefined if there are none. */
export function previewedChanges(changes: Partial<RuleFields>): PreviewRequest['changes'] | undefined {
  const { title: _title, severity: _severity, ...previewed } = changes
  return Object.keys(previewed).length > 0 ? previewed : undefined
}

/** isComplete reports whether no number was left out of the form. */
export const isComplete = ({ limit, window_seconds }: PreviewRequest['changes']): boolean =>
  limit !== '' && window_seconds !== null
