import type { QueryParams } from '../grid/listQuery'
import type { AlertRow } from '../lists/alerts'
import { userNameOf } from '../people/userNameOf'

export const groupings = [
  { value: 'none', label: 'No groups' },
  { value: 'rule', label: 'By rule' },
  { value: 'user', label: 'By user' },
] as const

export type Grouping = (typeof groupings)[number]['value']

/** AlertGroup is a part of the alerts of one page. */
export interface AlertGroup {
  key: string
  /** Undefined without groups. */
  label: string | undefined
  /** Selects the alerts of the group on all pages, and no others. Undefined while the rules are not known. */
  filter: QueryParams | undefined
  alerts: AlertRow[]
}

/**
 * groupAlerts groups alerts by their first rule or by their user, in the order of the first alert of each group. The
 * codes of an alert ascend, so that its first rule is the one with the lowest code.
 */
export function groupAlerts(
  alerts: readonly AlertRow[],
  grouping: Grouping,
  ruleCodes: readonly number[] | undefined,
): AlertGroup[] {
  if (grouping === 'none') return [{ key: 'all', label: undefined, filter: {}, alerts: [...alerts] }]
  const groups = Map.groupBy(alerts, ({ alert_codes, user_id }) => (grouping === 'rule' ? (alert_codes[0] ?? 0) : user_id))
  return [...groups].map(([key, members]): AlertGroup => {
    const [first] = members
    const rule = first?.reasons.find(({ code }) => code === key)
    return grouping === 'rule'
      ? {
          key: `rule ${key}`,
          label: rule?.title ?? `Rule ${key}`,
          filter: ruleCodes && {
            alert_codes__in: String(key),
            alert_codes__not: ruleCodes.filter((code) => code < key).map(String),
          },
          alerts: members,
        }
      : {
          key: `user ${key}`,
          label: userNameOf({ ...first, user_id: key }),
          filter: { user_id: String(key) },
          alerts: members,
        }
  })
}
