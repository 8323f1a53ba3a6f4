import { StatusBadge, type Tone } from '../components/StatusBadge'
import { type Alert, alertStateLabel, severityLabels } from './api'

/** SeverityBadge shows how severe an alert is. */
export function SeverityBadge({ severity }: { severity: Alert['severity'] }) {
  return <StatusBadge tone={severity}>{severityLabels[severity]}</StatusBadge>
}

const stateTones: Record<Alert['state'], Tone> = { open: 'warning', acknowledged: 'info', closed: 'inactive' }

/** AlertStateBadge shows how far the investigation of an alert is. */
export function AlertStateBadge({ alert: { state, snoozed } }: { alert: Pick<Alert, 'state' | 'snoozed'> }) {
  return snoozed ? (
    <StatusBadge tone="inactive">Snoozed</StatusBadge>
  ) : (
    <StatusBadge tone={stateTones[state]}>{alertStateLabel(state)}</StatusBadge>
  )
}
