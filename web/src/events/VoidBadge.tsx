import { Badge } from '@mantine/core'

/** VoidBadge marks a voided event, or an alert that follows from one. */
export function VoidBadge() {
  return (
    <Badge color="gray" variant="light" tt="none">
      Void
    </Badge>
  )
}
