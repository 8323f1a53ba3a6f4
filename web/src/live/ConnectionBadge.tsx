import { Badge, VisuallyHidden } from '@mantine/core'

import { useLiveState } from './liveUpdates'

const badgeByState = {
  connecting: { label: 'Connecting', color: 'gray', description: 'Connecting to live updates.' },
  live: { label: 'Live', color: 'teal', description: 'New events and alerts appear automatically.' },
  late: {
    label: 'Reconnecting',
    color: 'orange',
    description: 'Live updates are interrupted. Lists refresh every 15 seconds until the connection is back.',
  },
} as const

/** ConnectionBadge shows the state of the live connection. */
export function ConnectionBadge() {
  const { label, color, description } = badgeByState[useLiveState()]
  return (
    <Badge variant="light" color={color} role="status" tt="none" title={description}>
      {label}
      <VisuallyHidden>: {description}</VisuallyHidden>
    </Badge>
  )
}
