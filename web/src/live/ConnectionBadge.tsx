import { Badge, VisuallyHidden } from '@mantine/core'

import { useLiveState } from './liveUpdates'

const told = {
  connecting: { label: 'Connecting', color: 'gray', meaning: 'Events and alerts will come by themselves in a moment.' },
  live: { label: 'Live', color: 'teal', meaning: 'Events and alerts come by themselves.' },
  late: { label: 'Delayed', color: 'orange', meaning: 'There is no live connection. Lists are read anew now and then, and the connection is tried again.' },
} as const

/** LiveSign tells whether what happens is shown at once. */
export function LiveSign() {
  const { label, color, meaning } = told[useLiveState()]
  return (
    <Badge variant="light" color={color} role="status" tt="none" title={meaning}>
      {label}
      <VisuallyHidden>: {meaning}</VisuallyHidden>
    </Badge>
  )
}
