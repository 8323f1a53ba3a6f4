import { queryOptions, skipToken, useQuery } from '@tanstack/react-query'

import { api, ifMatch, type Schemas, unwrap, unwrapPage } from '../api/client'
import type { EditOptions } from '../api/useRowEdit'
import { createHistoryReader } from '../changes/api'

// API calls for alert rules. There are five rules. What a rule measures is fixed; its settings can be changed.

export type Rule = Schemas['Rule']
export type Replay = Schemas['Replay']

/** ruleLabels are the labels of the settings, in the order of the form. */
export const ruleLabels = {
  limit: 'Limit (medium risk)',
  window_seconds: 'Time window (seconds)',
  applies_to: 'Applies to',
  severity: 'Severity',
  title: 'Title',
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
  return data?.rows.map(({ code, title }) => ({ value: String(code), label: `${title} (${code})` })) ?? []
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

/** PreviewRequest selects what a preview evaluates: changed settings, and the events of a time range in Unix seconds. */
export interface PreviewRequest {
  changes: Partial<Pick<Rule, 'applies_to' | 'limit' | 'window_seconds' | 'enabled'>>
  from: number | undefined
  to: number | undefined
}

const maxDifferences = 50

/**
 * previewQuery evaluates a rule with changed settings over past events. Nothing is stored. A new request, or leaving
 * the screen, aborts the request before it. Nothing repeats a preview, because it reads the whole ledger.
 */
export const previewQuery = (code: number, request: PreviewRequest | undefined) =>
  queryOptions({
    queryKey: ['preview', code, request],
    queryFn: request
      ? ({ signal }) => {
          const { changes, from, to } = request
          const body = {
            rules: [{ code, ...changes }],
            from: from ?? null,
            to: to ?? null,
            differences: maxDifferences,
          }
          return unwrap(api.POST('/api/v1/rules/replay', { body, signal }))
        }
      : skipToken,
    networkMode: 'always',
    retry: false,
    staleTime: Infinity,
    gcTime: 0,
    refetchOnWindowFocus: false,
    refetchOnReconnect: false,
  })

/** ruleEditOptions returns the options of useRowEdit for a rule. */
export const ruleEditOptions = ({ code }: Rule): EditOptions<Rule> => ({
  queryKey: ruleQuery(code).queryKey,
  listKey: ['rules'],
  isSameRow: (row) => row.code === code,
  fetchRow: () => fetchRule(code),
  updateRow: updateRule,
})
