import { Badge, Card, Group, Text } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import { useParams } from '@tanstack/react-router'

import { ChangeList } from '../changes/ChangeList'
import { DescriptionList } from '../components/DescriptionList'
import { TextLink } from '../components/links'
import { QueryBoundary } from '../components/QueryBoundary'
import { Screen } from '../components/Screen'
import { Section } from '../components/Section'
import { TimeAgo } from '../components/TimeAgo'
import { VoidBadge } from '../events/VoidBadge'
import { usePermission } from '../session/api'
import { useShortcut } from '../shell/shortcuts'
import { LinkedTodos } from '../todos/LinkedTodos'
import { AlertButtons, alertStateColor } from './AlertButtons'
import { AlertReasons } from './AlertReasons'
import { type Alert, alertHistory, alertLabels, alertQuery, alertStateLabel, outcomes } from './api'
import { useAlertActions } from './useAlertActions'

/** AlertScreen shows an alert: its reasons, state, outcome, linked todos and history. */
export function AlertScreen() {
  const { id } = useParams({ from: '/alerts/$id' })
  const query = useQuery(alertQuery(id))
  const { data } = query
  const { runAction, isBusy, dialogs } = useAlertActions()
  const canAct = usePermission('operator') && data !== undefined
  useShortcut('y', 'Acknowledge', () => data && runAction('acknowledge', [data], { confirm: true }), canAct)
  useShortcut('q', 'Close', () => data && runAction('close', [data]), canAct)
  useShortcut('i', 'Assign', () => data && runAction('assign', [data]), canAct)
  return (
    <Screen
      title={data ? `Alert for user ${data.user_id}: ${data.alert_codes.join(', ')}` : 'Alert'}
      breadcrumb={<TextLink to="/alerts">Alerts</TextLink>}
      actions={data && <AlertButtons alerts={[data]} onAction={runAction} isBusy={isBusy(data)} />}
    >
      <QueryBoundary query={query}>
        {(alert) => (
          <>
            <Section title="Details" id="details">
              <Details alert={alert} />
            </Section>
            <Section title="Reasons" id="reasons">
              <AlertReasons alert={alert} />
            </Section>
            <LinkedTodos link={{ alert_id: id }} />
            <Section title="History" id="history">
              <ChangeList queryKey={['alert', id, 'history']} fetchHistory={alertHistory(id)} labels={alertLabels} />
            </Section>
          </>
        )}
      </QueryBoundary>
      {dialogs}
    </Screen>
  )
}

function Details({ alert }: { alert: Alert }) {
  return (
    <Card withBorder>
      <DescriptionList
        items={[
          [
            'State',
            <Group key="state" gap={4}>
              <Badge color={alertStateColor(alert.state)} variant="light" tt="none">
                {alertStateLabel(alert.state)}
              </Badge>
              {alert.void_id && <VoidBadge />}
              {alert.void_id && <Text span>This event or an earlier one was voided.</Text>}
            </Group>,
          ],
          [
            alertLabels.disposition,
            outcomes.find(({ value }) => value === alert.disposition)?.label ?? alert.disposition,
          ],
          ['Assignee', alert.assignee],
          ['Note', alert.note],
          [
            'User',
            <TextLink key="user" to="/events" search={{ user_id: String(alert.user_id) }}>
              {alert.user_id}
            </TextLink>,
          ],
          ['Risk level at the time', alert.risk],
          [
            'Triggered by',
            <TextLink key="event" to="/events/$id" params={{ id: alert.event_id }}>
              View event
            </TextLink>,
          ],
          ['Event time', <TimeAgo key="time" at={alert.time} />],
          ['Raised', <TimeAgo key="raised" at={alert.created_at} />],
          [
            'Last changed',
            <span key="changed">
              <TimeAgo at={alert.changed_at} /> by {alert.actor}
            </span>,
          ],
        ]}
      />
    </Card>
  )
}
