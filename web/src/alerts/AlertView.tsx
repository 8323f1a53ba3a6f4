import { Group, Stack, Text, Title } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'

import { ChangeList } from '../changes/ChangeList'
import { TextLink } from '../components/links'
import { QueryBoundary } from '../components/QueryBoundary'
import { Section } from '../components/Section'
import { StatusBadge } from '../components/StatusBadge'
import { AbsoluteTime, TimeAgo } from '../components/TimeAgo'
import { VoidBadge } from '../events/VoidBadge'
import { PersonName, useUserName } from '../people/PersonName'
import { LinkedTodos } from '../todos/LinkedTodos'
import { AlertButtons } from './AlertButtons'
import { AlertNotes } from './AlertNotes'
import { AlertPerson } from './AlertPerson'
import { AlertReasons } from './AlertReasons'
import classes from './AlertView.module.css'
import { type Alert, alertHistory, alertLabels, alertQuery, outcomes } from './api'
import { AlertStateBadge, SeverityBadge } from './badges'
import { describeReasons } from './explainReason'
import type { AlertAction } from './useAlertActions'
import { useFormatAlertField } from './useFormatAlertField'
import { useAlertSearchActions } from './useAlertSearchActions'

interface Props {
  id: string
  runAction: (action: AlertAction, target: Alert, options?: { confirm: boolean }) => void
  isBusy: (alert: Alert) => boolean
  /** True if the screen has the sentence as its title. */
  isTitled?: boolean
}

/** AlertView explains an alert and shows its investigation. */
export function AlertView({ id, runAction, isBusy, isTitled = false }: Props) {
  const query = useQuery(alertQuery(id))
  const title = useAlertTitle()
  const formatField = useFormatAlertField()
  const heading = isTitled ? 'h2' : 'h3'
  useAlertSearchActions(query.data, runAction)
  return (
    <QueryBoundary query={query}>
      {(alert) => (
        <Stack gap="md">
          <Stack gap={6}>
            <Group gap={6}>
              <SeverityBadge severity={alert.severity} />
              <AlertStateBadge alert={alert} />
              {alert.disposition && (
                <StatusBadge tone="inactive">
                  {outcomes.find(({ value }) => value === alert.disposition)?.label}
                </StatusBadge>
              )}
              {alert.void_id && <VoidBadge />}
              <Text span size="sm" c="dimmed">
                <TimeAgo at={alert.created_at} />
                {alert.snoozed && alert.snoozed_until && (
                  <>
                    , snoozed until <AbsoluteTime at={alert.snoozed_until} />
                  </>
                )}
              </Text>
            </Group>
            {!isTitled && (
              <Title order={2} fz="lg" style={{ overflowWrap: 'anywhere' }}>
                {title(alert)}
              </Title>
            )}
            <Group gap={6}>
              <Text span size="sm" c="dimmed">
                Assignee:
              </Text>
              <Text span size="sm" component="div">
                {alert.assignee ? <PersonName username={alert.assignee} isLink /> : 'Unassigned'}
              </Text>
            </Group>
            <AlertButtons alerts={[alert]} onAction={(action) => runAction(action, alert)} isBusy={isBusy(alert)} />
          </Stack>
          <AlertReasons alert={alert} />
          <div className={classes.columns}>
            <AlertPerson alert={alert} heading={heading} />
            <AlertNotes alert={alert} heading={heading} />
          </div>
          {!isTitled && (
            <TextLink to="/alerts/$id" params={{ id }} size="sm">
              Open as a page, with todos and history
            </TextLink>
          )}
          {isTitled && (
            <>
              <Section title="Todos" id="todos">
                <LinkedTodos link={{ alert_id: id }} />
              </Section>
              <Section title="History" id="history">
                <ChangeList
                  queryKey={['alert', id, 'history']}
                  fetchHistory={alertHistory(id)}
                  labels={alertLabels}
                  formatField={formatField}
                />
              </Section>
            </>
          )}
        </Stack>
      )}
    </QueryBoundary>
  )
}

/** useAlertTitle returns a function that describes an alert: "Jane: deposits of 300.00 in 30 s, limit 200.00". */
export function useAlertTitle(): (alert: Pick<Alert, 'user_id' | 'reasons'>) => string {
  const userName = useUserName()
  return ({ user_id, reasons }) => `${userName(user_id)}: ${describeReasons(reasons)}`
}
