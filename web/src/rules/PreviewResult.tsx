import { Stack, Text } from '@mantine/core'
import { memo, useMemo } from 'react'

import { Chart } from '../components/Chart'
import { Icon } from '../components/icons'
import { AffectedPeople } from './AffectedPeople'
import type { Replay } from './api'
import { describeCounts, formatCount } from './describeCounts'
import { PreviewDifferences } from './PreviewDifferences'
import { dailySeries } from './replayChart'
import classes from './Rule.module.css'

const secondsPerDay = 86_400

/** PreviewResult shows which alerts a preview adds, removes and keeps: in total, by day, by person and one by one. */
export const PreviewResult = memo(function PreviewResult({ replay, code }: { replay: Replay; code: number }) {
  const { timestamps, series } = useMemo(() => dailySeries(replay), [replay])
  const { removed_confirmed } = replay
  return (
    <Stack gap="md">
      <div role="status">
        <Text fz="lg" fw={600}>
          {describeCounts(replay)}
        </Text>
        <Text size="sm" c="dimmed">
          {describeScope(replay, code)}
        </Text>
      </div>
      {removed_confirmed > 0 && (
        <div className={classes.warning}>
          <Icon name="alert" />
          <span>{formatCount(removed_confirmed)} of the removed alerts had been confirmed</span>
        </div>
      )}
      {timestamps.length > 0 && (
        <Chart
          label="Alerts by day (UTC)"
          unit="Alerts"
          timestamps={timestamps}
          series={series}
          interval={secondsPerDay}
          formatTimestamp={formatDay}
          isMirrored
        />
      )}
      <AffectedPeople counts={replay.by_user} />
      <PreviewDifferences replay={replay} />
    </Stack>
  )
})

/** describeScope says what the counts include, and whether anything changes. */
function describeScope({ events, users, added, removed, unchanged, by_code }: Replay, code: number): string {
  if (events === 0) return 'There are no events in this time range.'
  const ownUnchanged = by_code.find((count) => count.code === code)?.unchanged ?? 0
  const sentences = [
    `${formatCount(events)} ${events === 1 ? 'event' : 'events'} of ${formatCount(users)} ${users === 1 ? 'person' : 'people'}.`,
    unchanged > ownUnchanged && `${formatCount(unchanged - ownUnchanged)} of the unchanged alerts are of other rules.`,
    added + removed === 0 && 'No alert would change.',
  ]
  return sentences.filter(Boolean).join(' ')
}

function formatDay(timestamp: number): string {
  const date = new Date(timestamp * 1000)
  return Number.isNaN(date.getTime()) ? String(timestamp) : date.toISOString().slice(0, 10)
}
