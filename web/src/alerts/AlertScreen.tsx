import { Badge, Card } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import { useParams } from '@tanstack/react-router'

import { ChangeList } from '../changes/ChangeList'
import { Facts } from '../components/DescriptionList'
import { TextLink } from '../components/links'
import { Screen } from '../components/Screen'
import { Shown } from '../components/QueryBoundary'
import { Part } from '../components/Section'
import { TimeAgo } from '../components/TimeAgo'
import { useMay } from '../session/api'
import { useShortcut } from '../shell/shortcuts'
import { TodosAbout } from '../todos/LinkedTodos'
import { AlertButtons, colourOf } from './AlertButtons'
import { type Alert, alertHistory, alertLabels, alertQuery, dispositions } from './api'
import { Reasons } from './AlertReasons'
import { useActs } from './useAlertActions'

/** AlertScreen shows an alert: why it was raised, and what people made of it. */
export function AlertScreen() {
  const { id } = useParams({ from: '/alerts/$id' })
  const query = useQuery(alertQuery(id))
  const { data } = query
  const { act, busy, element } = useActs()
  const may = useMay('operator') && data !== undefined
  useShortcut('a', 'Acknowledge', () => data && act('acknowledge', [data]), may)
  useShortcut('c', 'Close', () => data && act('close', [data]), may)
  useShortcut('i', 'Assign', () => data && act('assign', [data]), may)
  return (
    <Screen
      title={data ? `Alert of user ${data.user_id}: ${data.alert_codes.join(', ')}` : 'Alert'}
      above={<TextLink to="/alerts">Alerts</TextLink>}
      actions={data && <AlertButtons alerts={[data]} act={act} busy={busy(data)} />}
    >
      <Shown query={query}>
        {(alert) => (
          <>
            <Part title="Details" id="details">
              <Details alert={alert} />
            </Part>
            <Part title="Why it was raised" id="reasons">
              <Reasons alert={alert} />
            </Part>
            <TodosAbout thing={{ alert_id: id }} />
            <Part title="History" id="history">
              <ChangeList queryKey={['alert', id, 'history']} read={alertHistory(id)} labels={alertLabels} />
            </Part>
          </>
        )}
      </Shown>
      {element}
    </Screen>
  )
}

function Details({ alert }: { alert: Alert }) {
  return (
    <Card withBorder>
      <Facts
        of={[
          [
            'State',
            <Badge key="state" color={colourOf(alert.state)} variant="light" tt="none">
              {alert.state}
            </Badge>,
          ],
          ['It turned out', dispositions.find(({ value }) => value === alert.disposition)?.label ?? alert.disposition],
          ['Assignee', alert.assignee],
          ['Note', alert.note],
          [
            'User',
            <TextLink key="user" to="/events" search={{ user_id: String(alert.user_id) }}>
              {alert.user_id}
            </TextLink>,
          ],
          ['Risk then', alert.risk],
          [
            'Raised by',
            <TextLink key="event" to="/events/$id" params={{ id: alert.event_id }}>
              this event
            </TextLink>,
          ],
          ['Happened', <TimeAgo key="time" at={alert.time} />],
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
