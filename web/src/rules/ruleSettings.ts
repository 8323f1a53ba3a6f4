import { changed } from '../components/form'
import type { Rule, RuleFields } from './api'
import { limitOf } from './formatLimit'

/** Settings are what stands in the fields of a form. */
export interface Settings {
  title: string
  applies_to: Rule['applies_to']
  limit: string
  window_seconds: string
  enabled: boolean
}

/** settingsOf are the settings as texts of a form. */
export const settingsOf = (code: number, rule: Partial<RuleFields>): Settings => ({
  title: rule.title ?? '',
  applies_to: rule.applies_to ?? 'any',
  limit: limitOf(code, rule.limit ?? ''),
  window_seconds: rule.window_seconds == null ? '' : String(rule.window_seconds),
  enabled: rule.enabled ?? true,
})

/** changesOf are the settings that differ from the rule: 250 is the 250.00 that it was. */
export function changesOf(rule: Rule, { limit, window_seconds, ...others }: Settings): Partial<RuleFields> {
  return changed<RuleFields>(rule, {
    ...others,
    limit: limit.trim() !== '' && Number(limit) === Number(rule.limit) ? rule.limit : limit.trim(),
    window_seconds: window_seconds.trim() === '' ? null : Number(window_seconds),
  })
}
