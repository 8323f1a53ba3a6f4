import type { AlertRow } from '../lists/alerts'

export const groupings = [
  { value: 'none', label: 'No groups' },
  { value: 'rule', label: 'By rule' },
  { value: 'user', label: 'By person' },
] as const

export type Grouping = (typeof groupings)[number]['value']

/** AlertGroup is a part of the alerts of one page. */
export interface AlertGroup {
  key: string
  /** Undefined without groups. */
  label: string | undefined
  /** The filter that all alerts of the group match, also those of other pages. */
  filter: Record<string, string>
  alerts: AlertRow[]
}

/** groupAlerts groups alerts by their first rule or by their user, in the order of the first alert of each group. */
export function groupAlerts(alerts: readonly AlertRow[], grouping: Grouping): AlertGroup[] {
  if (grouping === 'none') return [{ key: 'all', label: undefined, filter: {}, alerts: [...alerts] }]
  const groups = Map.groupBy(alerts, ({ alert_codes, user_id }) => (grouping === 'rule' ? (alert_codes[0] ?? 0) : user_id))
  return [...groups].map(([key, members]): AlertGroup => {
    const [first] = members
    const rule = first?.reasons.find(({ code }) => code === key)
    return grouping === 'rule'
      ? { key: `rule ${key}`, label: rule?.title ?? `Rule ${key}`, filter: { alert_codes: String(key) }, alerts: members }
      : {
          key: `user ${key}`,
          label: first?.user_display_name ?? `User ${key}`,
          filter: { user_id: String(key) },
          alerts: members,
        }
  })
}
