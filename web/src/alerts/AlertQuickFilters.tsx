import { Button } from '@mantine/core'

import type { GridActions } from '../grid/useGridState'
import { useSession } from '../session/api'
import type { Alert } from './api'

const stateIs = (state: Alert['state']) => ({ state, state__in: undefined })

/** AlertQuickFilters are the filters of alerts that users need often. */
export function AlertQuickFilters({ actions: { setFilters } }: { actions: GridActions }) {
  const username = useSession()?.username
  return (
    <>
      <Button variant="subtle" onClick={() => setFilters({ severity: 'critical', severity__in: undefined })}>
        Critical
      </Button>
      <Button variant="subtle" onClick={() => setFilters({ assignee: undefined, assignee__empty: 'true' })}>
        Unassigned
      </Button>
      {username && (
        <Button variant="subtle" onClick={() => setFilters({ assignee: username, assignee__empty: undefined })}>
          Assigned to me
        </Button>
      )}
      <Button variant="subtle" onClick={() => setFilters({ ...stateIs('acknowledged'), snoozed: undefined })}>
        Acknowledged
      </Button>
      <Button variant="subtle" onClick={() => setFilters({ snoozed: 'true' })}>
        Snoozed
      </Button>
      <Button variant="subtle" onClick={() => setFilters({ ...stateIs('closed'), snoozed: undefined })}>
        Closed
      </Button>
    </>
  )
}
