import { Badge, Card, Group, SimpleGrid, Skeleton, Stack, Text } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import type { ReactNode } from 'react'

import { TextLink } from '../components/links'
import { EmptyState } from '../components/placeholders'
import { QueryBoundary } from '../components/QueryBoundary'
import { Screen } from '../components/Screen'
import { Section } from '../components/Section'
import { TimeAgo } from '../components/TimeAgo'
import { formatEvent } from '../events/api'
import { useSession } from '../session/api'
import { DueDate } from '../todos/DueDate'
import { countQueries, latestEventsQuery, myTodosQuery, openAlertsQuery } from './api'
import classes from './HomeScreen.module.css'

/** HomeScreen shows counts, open alerts, the user's todos and the latest events. */
export function HomeScreen() {
  return (
    <Screen title="Home">
      <SimpleGrid cols={{ base: 2, sm: 4 }}>
        {countQueries.map((count) => (
          <CountCard key={count.label} {...count} />
        ))}
      </SimpleGrid>
      <SimpleGrid cols={{ base: 1, md: 2 }} spacing="xl">
        <OpenAlerts />
        <MyTodos />
        <LatestEvents />
      </SimpleGrid>
    </Screen>
  )
}

function CountCard({ label, to, query }: (typeof countQueries)[number]) {
  const { data, error } = useQuery(query)
  return (
    <Card withBorder padding="sm">
      <Text size="sm" c="dimmed">
        {to ? <TextLink to={to}>{label}</TextLink> : label}
      </Text>
      <Text fz={28} fw={600} component="div">
        {data ?? (error ? '–' : <Skeleton height={28} width={48} my={7} />)}
      </Text>
    </Card>
  )
}

/** CompactList shows one line per row. */
function CompactList<T>({
  rows,
  getKey,
  children,
}: {
  rows: T[]
  getKey: (row: T) => string | number
  children: (row: T) => ReactNode
}) {
  return (
    <Stack component="ul" gap={4} m={0} p={0} style={{ listStyle: 'none' }}>
      {rows.map((row) => (
        <Group component="li" key={getKey(row)} gap="xs" justify="space-between" wrap="nowrap">
          {children(row)}
        </Group>
      ))}
    </Stack>
  )
}

function OpenAlerts() {
  const query = useQuery(openAlertsQuery)
  return (
    <Section title="Open alerts" id="alerts">
      <QueryBoundary query={query} rows={3}>
        {({ rows }) =>
          rows.length === 0 ? (
            <EmptyState icon="alert" title="No open alerts" />
          ) : (
            <CompactList rows={rows} getKey={(alert) => alert.id}>
              {(alert) => (
                <>
                  <TextLink to="/alerts/$id" params={{ id: alert.id }} size="sm">
                    User {alert.user_id}: {alert.alert_codes.join(', ')}
                  </TextLink>
                  <Text size="sm" c="dimmed" className={classes.trailing}>
                    <TimeAgo at={alert.created_at} />
                  </Text>
                </>
              )}
            </CompactList>
          )
        }
      </QueryBoundary>
    </Section>
  )
}

function LatestEvents() {
  const query = useQuery(latestEventsQuery)
  return (
    <Section title="Latest events" id="events">
      <QueryBoundary query={query} rows={3}>
        {({ rows }) =>
          rows.length === 0 ? (
            <EmptyState icon="event" title="No events yet" />
          ) : (
            <CompactList rows={rows} getKey={(event) => event.id}>
              {(event) => (
                <>
                  <TextLink to="/events/$id" params={{ id: event.id }} size="sm">
                    User {event.user_id}: {formatEvent(event)}
                  </TextLink>
                  <Group gap="xs" wrap="nowrap">
                    {event.alert_id && (
                      <Badge color="orange" variant="light" tt="none">
                        Alert
                      </Badge>
                    )}
                    <Text size="sm" c="dimmed" className={classes.trailing}>
                      <TimeAgo at={event.created_at} />
                    </Text>
                  </Group>
                </>
              )}
            </CompactList>
          )
        }
      </QueryBoundary>
    </Section>
  )
}

function MyTodos() {
  const session = useSession()
  const query = useQuery({ ...myTodosQuery(session?.username ?? ''), enabled: Boolean(session?.username) })
  return (
    <Section title="My todos" id="todos">
      <QueryBoundary query={query} rows={3}>
        {(todos) =>
          todos.length === 0 ? (
            <EmptyState icon="todo" title="No todos assigned to you" />
          ) : (
            <CompactList rows={todos} getKey={(todo) => todo.id}>
              {(todo) => (
                <>
                  <TextLink
                    to="/todos/$id"
                    params={{ id: String(todo.id) }}
                    size="sm"
                    style={{ overflowWrap: 'anywhere' }}
                  >
                    {todo.description}
                  </TextLink>
                  {todo.due_on !== null && (
                    <Text size="sm" c="dimmed" className={classes.trailing}>
                      <DueDate todo={todo} />
                    </Text>
                  )}
                </>
              )}
            </CompactList>
          )
        }
      </QueryBoundary>
    </Section>
  )
}
