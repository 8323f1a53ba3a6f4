import { Group, Text } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'

import { SeverityBadge } from '../alerts/badges'
import { TextLink } from '../components/links'
import { EmptyState } from '../components/placeholders'
import type { Column } from '../components/RowTable'
import { Screen } from '../components/Screen'
import { ShortList } from '../components/ShortList'
import { StatusBadge } from '../components/StatusBadge'
import { appliesToLabels, type Rule, ruleLabels, rulesQuery } from './api'
import { formatLimit } from './formatLimit'

const columns: Column<Rule>[] = [
  {
    id: 'title',
    header: 'Rule',
    value: (rule) => rule.title,
    cell: ({ code, title }) => (
      <Group gap={8}>
        <TextLink to="/rules/$code" params={{ code: String(code) }}>
          {title}
        </TextLink>
        <Text span size="xs" c="dimmed">
          Rule {code}
        </Text>
      </Group>
    ),
  },
  {
    id: 'severity',
    header: ruleLabels.severity,
    value: (rule) => rule.severity,
    cell: ({ severity }) => <SeverityBadge severity={severity} />,
    width: 7,
  },
  {
    id: 'applies_to',
    header: ruleLabels.applies_to,
    value: (rule) => appliesToLabels[rule.applies_to],
    width: 9,
  },
  {
    id: 'limit',
    header: ruleLabels.limit,
    value: (rule) => Number(rule.limit),
    cell: (rule) => formatLimit(rule.code, rule.limit),
    alignEnd: true,
    width: 14,
  },
  {
    id: 'window',
    header: 'Time window',
    value: (rule) => rule.window_seconds,
    cell: (rule) => (rule.window_seconds === null ? '' : `${rule.window_seconds} s`),
    alignEnd: true,
    width: 9.5,
  },
  {
    id: 'enabled',
    header: 'Enabled',
    width: 7,
    value: (rule) => (rule.enabled ? 'Yes' : 'No'),
    cell: ({ enabled }) => (enabled ? 'Yes' : <StatusBadge tone="inactive">No</StatusBadge>),
  },
]

/** RulesScreen lists the alert rules. */
export function RulesScreen() {
  const query = useQuery(rulesQuery)
  return (
    <Screen title="Rules">
      <ShortList
        label="Rules"
        isWrapped
        query={query}
        columns={columns}
        rowKey={(rule) => rule.code}
        empty={<EmptyState icon="rule" title="No rules" />}
      />
    </Screen>
  )
}
