import { queryOptions, useQuery } from '@tanstack/react-query'

import { api, ifMatch, type Schemas, unwrap, unwrapPage } from '../api/client'
import { createHistoryReader } from '../changes/api'

// API calls for alert rules. There are five rules. What a rule measures is fixed; its settings can be changed.

export type Rule = Schemas['Rule']
export type Replay = Schemas['Replay']

/** ruleLabels are the labels of the settings. */
export const ruleLabels = {
  title: 'Title',
  applies_to: 'Applies to',
  limit: 'Limit (medium risk)',
  window_seconds: 'Time window (seconds)',
  enabled: 'Enabled',
} as const satisfies Partial<Record<keyof Rule, string>>

/** appliesToLabels are the labels of the event types that a rule applies to. */
export const appliesToLabels = {
  deposit: 'Deposits',
  withdraw: 'Withdrawals',
  any: 'All events',
} as const satisfies Record<Rule['applies_to'], string>

export type RuleField = keyof typeof ruleLabels
export type RuleFields = Pick<Rule, RuleField>

/** ruleFields lists the settings of a rule. Rules that do not depend on time have no window. */
export const ruleFields = (rule: Rule) =>
  (Object.keys(ruleLabels) as RuleField[]).filter((name) => name !== 'window_seconds' || rule.window_seconds !== null)

export const rulesQuery = queryOptions({
  queryKey: ['rules'],
  queryFn: ({ signal }) => unwrapPage(api.GET('/api/v1/rules', { signal })),
})

/** useRuleOptions returns the rules as options of a select field. */
export function useRuleOptions(): { value: string; label: string }[] {
  const { data } = useQuery(rulesQuery)
  return data?.rows.map(({ code, title }) => ({ value: String(code), label: `${code} ${title}` })) ?? []
}

export const ruleQuery = (code: number) =>
  queryOptions({ queryKey: ['rule', code], queryFn: ({ signal }) => fetchRule(code, signal) })

export const fetchRule = (code: number, signal?: AbortSignal) =>
  unwrap(api.GET('/api/v1/rules/{code}', { params: { path: { code } }, signal: signal ?? null }))

export const updateRule = (changes: Partial<Rule>, base: Rule) =>
  unwrap(
    api.PATCH('/api/v1/rules/{code}', { params: { path: { code: base.code }, header: ifMatch(base) }, body: changes }),
  )

export const ruleHistory = (code: number) =>
  createHistoryReader('rule', code, (signal) =>
    unwrapPage(api.GET('/api/v1/rules/{code}/history', { params: { path: { code } }, signal })),
  )

export interface TimeRange {
  from: number | undefined
  to: number | undefined
}

/** replay evaluates a rule with changed settings over the events of a time range. Nothing is stored. */
export const replay = (
  code: number,
  changes: Partial<RuleFields>,
  { from, to }: TimeRange,
  signal: AbortSignal,
): Promise<Replay> => {
  const { title: _, ...settings } = changes
  return unwrap(
    api.POST('/api/v1/rules/replay', {
      body: { rules: [{ code, ...settings }], from: from ?? null, to: to ?? null, differences: 50 },
      signal,
    }),
  )
}
