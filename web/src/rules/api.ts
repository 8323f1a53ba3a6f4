import { queryOptions, useQuery } from '@tanstack/react-query'

import { api, ifMatch, type Schemas, unwrap, unwrapPage } from '../api/client'
import { pagedQuery } from '../api/queries'
import { createHistoryReader } from '../changes/api'

// Everything that the app asks of the alert rules. There are five of them; what one measures is fixed, its settings are not.

export type Rule = Schemas['Rule']
export type Replay = Schemas['Replay']

/** What people call the settings. */
export const ruleLabels = {
  title: 'Title',
  applies_to: 'Looks at',
  limit: 'Limit at medium risk',
  window_seconds: 'Window in seconds',
  enabled: 'Enabled',
} as const satisfies Partial<Record<keyof Rule, string>>

export type RuleField = keyof typeof ruleLabels
export type RuleFields = Pick<Rule, RuleField>

/** ruleFields are the settings that a rule has: where time plays no part there is no window. */
export const ruleFields = (rule: Rule) => (Object.keys(ruleLabels) as RuleField[]).filter((name) => name !== 'window_seconds' || rule.window_seconds !== null)

export const rulesQuery = pagedQuery(['rules'], (after, signal) => unwrapPage(api.GET('/api/v1/rules', { params: { query: { after } }, signal })))

/** useRuleOptions are the codes of alerts, to choose from. */
export function useRuleOptions(): { value: string; label: string }[] {
  const { data } = useQuery({
    queryKey: ['rules', 'codes'],
    queryFn: ({ signal }) => unwrapPage(api.GET('/api/v1/rules', { signal })),
  })
  return data?.rows.map(({ code, title }) => ({ value: String(code), label: `${code} ${title}` })) ?? []
}

export const ruleQuery = (code: number) => queryOptions({ queryKey: ['rule', code], queryFn: ({ signal }) => fetchRule(code, signal) })

export const fetchRule = (code: number, signal?: AbortSignal) => unwrap(api.GET('/api/v1/rules/{code}', { params: { path: { code } }, signal: signal ?? null }))

export const updateRule = (changes: Partial<Rule>, base: Rule) =>
  unwrap(api.PATCH('/api/v1/rules/{code}', { params: { path: { code: base.code }, header: ifMatch(base) }, body: changes }))

export const ruleHistory = (code: number) => createHistoryReader('rule', code, (signal) => unwrapPage(api.GET('/api/v1/rules/{code}/history', { params: { path: { code } }, signal })))

export interface TimeRange {
  from: number | undefined
  to: number | undefined
}

/** replay tells what a rule with other settings would have made of the events of a time range. It changes nothing. */
export const replay = (code: number, changes: Partial<RuleFields>, { from, to }: TimeRange, signal: AbortSignal): Promise<Replay> => {
  const { title: _, ...settings } = changes
  return unwrap(api.POST('/api/v1/rules/replay', { body: { rules: [{ code, ...settings }], from: from ?? null, to: to ?? null, differences: 50 }, signal }))
}
