import { VisuallyHidden } from '@mantine/core'

import { StatusBadge } from '../components/StatusBadge'
import { useLiveState } from './liveUpdates'

const description = 'Live updates are interrupted. Lists refresh every 15 seconds until the connection is back.'

/** ConnectionBadge shows that the live connection is interrupted. It shows nothing while it works. */
export function ConnectionBadge() {
  const isLate = useLiveState() === 'late'
  return (
    <div role="status">
      {isLate && (
        <StatusBadge tone="warning" title={description}>
          Reconnecting…
          <VisuallyHidden> {description}</VisuallyHidden>
        </StatusBadge>
      )}
    </div>
  )
}
