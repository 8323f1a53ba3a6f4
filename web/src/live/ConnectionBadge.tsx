import { Badge, VisuallyHidden } from '@mantine/core'

import { useLiveState } from './liveUpdates'

const badgeByState = {
  connecting: { label: 'Connecting', color: 'gray', description: 'Events and alerts will come by themselves in a moment.' },
  live: { label: 'Live', color: 'teal', description: 'Events and alerts come by themselves.' },
  late: { label: 'Delayed', color: 'orange', description: 'There is no live connection. Lists are read anew now and then, and the connection is tried again.' },
} as const

/** ConnectionBadge tells whether what happens is shown at once. */
export function ConnectionBadge() {
  const { label, color, description } = badgeByState[useLiveState()]
  return (
    <Badge variant="light" color={color} role="status" tt="none" title={description}>
      {label}
      <VisuallyHidden>: {description}</VisuallyHidden>
    </Badge>
  )
}
