import { Stack, Text } from '@mantine/core'

import { SeverityBadge } from '../alerts/badges'
import { type Rule, ruleFields, ruleLabels } from './api'
import { formatSetting } from './describeRule'
import { RiskLimits } from './RiskLimits'
import classes from './Rule.module.css'

/** RuleSettings shows the settings of a rule. Its title is that of the screen. */
export function RuleSettings({ rule }: { rule: Rule }) {
  const fields = ruleFields(rule).filter((name) => name !== 'title' && name !== 'limit')
  return (
    <Stack gap="sm">
      <div>
        <Text size="sm" c="dimmed" mb={4}>
          Limit
        </Text>
        <RiskLimits code={rule.code} limit={rule.limit} />
      </div>
      <dl className={classes.settingsList}>
        {fields.map((name) => (
          <div key={name}>
            <dt>{ruleLabels[name]}</dt>
            <dd>
              {name === 'severity' ? (
                <SeverityBadge severity={rule.severity} />
              ) : (
                formatSetting(rule.code, name, rule[name])
              )}
            </dd>
          </div>
        ))}
      </dl>
    </Stack>
  )
}
