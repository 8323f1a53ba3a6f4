import { StatusBadge } from '../components/StatusBadge'

/** VoidBadge marks a voided event, or an alert that follows from one. */
export function VoidBadge() {
  return <StatusBadge tone="inactive">Void</StatusBadge>
}
