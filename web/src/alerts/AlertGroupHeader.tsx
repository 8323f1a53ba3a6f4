import { Button, Text } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'

import { matchParams } from '../grid/gridState'
import { listQuery } from '../grid/listQuery'
import { maxMatches, type Selection } from '../grid/selection'
import type { Grid } from '../grid/useGrid'
import type { AlertRow } from '../lists/alerts'
import classes from './AlertInbox.module.css'
import type { Alert } from './api'
import type { AlertGroup } from './groupAlerts'
import { type AlertAction, isActionAvailable } from './useAlertActions'

interface Props {
  group: AlertGroup
  grid: Grid<AlertRow>
  runAction: (action: AlertAction, target: Selection<Alert>, options?: { confirm?: boolean }) => void
  canEdit: boolean
}

/** AlertGroupHeader names a group, counts it on all pages, and closes all of it. */
export function AlertGroupHeader({ group, grid, runAction, canEdit }: Props) {
  const params = { ...matchParams(grid.state, grid.scope), ...group.filter }
  const { data } = useQuery({
    ...listQuery<Alert>(grid.definition, { ...params, limit: '1', count: 'exact' }),
    enabled: group.filter !== undefined,
  })
  const count = data?.total?.count ?? group.alerts.length
  const selection: Selection<Alert> = { rows: group.alerts, count, isAllMatching: true, params }
  const canClose = canEdit && data !== undefined && group.alerts.some((alert) => isActionAvailable('falsePositive', alert))
  return (
    <div className={classes.group}>
      <Text component="h2" size="sm" fw={600} style={{ overflowWrap: 'anywhere' }}>
        {group.label}
      </Text>
      <Text span size="xs" c="dimmed">
        {count.toLocaleString('en')}
      </Text>
      {canClose && count > 1 && count <= maxMatches && (
        <Button
          variant="subtle"
          size="compact-xs"
          ml="auto"
          onClick={() => runAction('falsePositive', selection, { confirm: true })}
        >
          Close all {count.toLocaleString('en')} as false positive
        </Button>
      )}
    </div>
  )
}
