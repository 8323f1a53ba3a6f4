import { SimpleGrid, Stack, Text } from '@mantine/core'

import { formatTotal } from '../components/formatTotal'
import { localDay } from '../components/localDay'
import { QueryBoundary } from '../components/QueryBoundary'
import { Screen } from '../components/Screen'
import { Section } from '../components/Section'
import { StatTile } from '../components/StatTile'
import { StorageWall } from '../storage/StorageWall'
import { type Summary, useSummary } from '../summary/api'
import { ActivityFeed } from './ActivityFeed'
import { AttentionStrip } from './AttentionStrip'
import { MyWork } from './MyWork'
import classes from './OverviewScreen.module.css'

/** OverviewScreen answers whether anything is wrong, what the user has to do, and what happened. */
export function OverviewScreen() {
  const query = useSummary()
  return (
    <Screen title="Overview">
      <QueryBoundary query={query} rows={6}>
        {(summary) => (
          <Stack gap="md">
            <AttentionStrip summary={summary} />
            <Tiles summary={summary} />
            <div className={classes.columns}>
              <Section
                title="Storage"
                id="storage"
                actions={
                  <Text size="xs" c="dimmed">
                    {summary.storage.some(({ positions }) => positions > 0)
                      ? 'Containers by freezer; the bar shows taken positions'
                      : 'Containers by freezer, compared with the fullest'}
                  </Text>
                }
              >
                <StorageWall freezers={summary.storage} isDense />
              </Section>
              <Stack gap="md">
                <MyWork summary={summary} />
                <ActivityFeed activity={summary.activity} />
              </Stack>
            </div>
          </Stack>
        )}
      </QueryBoundary>
    </Screen>
  )
}

function Tiles({ summary }: { summary: Summary }) {
  const n = (count: number) => count.toLocaleString('en')
  return (
    <SimpleGrid cols={{ base: 2, md: 5 }} spacing="xs">
      <StatTile
        label="Open alerts"
        value={n(summary.alerts_open)}
        to="/alerts"
        badge={summary.alerts_critical > 0 && { tone: 'critical', text: `${n(summary.alerts_critical)} critical` }}
        note={summary.alerts_open > 0 ? `${n(summary.alerts_unassigned)} unassigned` : 'No open alerts'}
      />
      <StatTile
        label="Overdue todos"
        value={n(summary.todos_overdue)}
        to="/todos"
        search={{ view: 'list', due_on__lt: localDay(), status__not: 'done' }}
        badge={summary.todos_mine_overdue > 0 && { tone: 'warning', text: `${n(summary.todos_mine_overdue)} mine` }}
        note={`${n(summary.todos_due_today)} due today, ${n(summary.todos_due_in_7_days)} in 7 days`}
      />
      <StatTile
        label="Open todos"
        value={n(summary.todos_open)}
        to="/todos"
        search={{ view: 'list', status__not: 'done' }}
        note={`${n(summary.todos_mine)} assigned to me`}
      />
      <StatTile
        label="Checked out"
        value={n(summary.checkouts_open)}
        to="/checkouts"
        badge={summary.checkouts_overdue > 0 && { tone: 'critical', text: `${n(summary.checkouts_overdue)} overdue` }}
        note={summary.checkouts_mine > 0 ? `${n(summary.checkouts_mine)} by me` : 'None by me'}
      />
      <StatTile
        label="Containers"
        value={formatTotal({ count: summary.containers, isEstimate: summary.containers_estimated })}
        to="/containers"
        note={summary.freezers === 1 ? 'in 1 freezer' : `in ${n(summary.freezers)} freezers`}
      />
    </SimpleGrid>
  )
}
