import { Text } from '@mantine/core'

import { describeReasons } from '../alerts/explainReason'
import { ButtonLink } from '../components/links'
import { TimeAgo } from '../components/TimeAgo'
import { userNameOf } from '../people/userNameOf'
import type { Summary } from '../summary/api'
import classes from './AttentionStrip.module.css'

/** AttentionStrip shows the newest critical alert with its action. It shows nothing when nothing is wrong. */
export function AttentionStrip({ summary: { critical_alerts, alerts_critical } }: { summary: Summary }) {
  const [alert] = critical_alerts
  if (!alert) return null
  const name = userNameOf(alert)
  return (
    <section className={classes.strip} aria-label="Needs attention">
      <Text size="sm" flex={1} miw={200}>
        <b>
          {name}: {describeReasons(alert.reasons)}
        </b>{' '}
        <Text span inherit c="dimmed">
          <TimeAgo at={alert.created_at} />
          {alerts_critical > 1 && `, and ${(alerts_critical - 1).toLocaleString('en')} more critical`}
        </Text>
      </Text>
      <ButtonLink to="/alerts" search={{ id: alert.id, severity: 'critical' }}>
        {alerts_critical > 1 ? 'Open critical alerts' : 'Open alert'}
      </ButtonLink>
    </section>
  )
}
