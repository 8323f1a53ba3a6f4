import { StatusBadge, type Tone } from '../components/StatusBadge'

/** statuses are the states of a container, as the API names them. */
export const statuses: { value: string; label: string; tone: Tone }[] = [
  { value: 'stored', label: 'In place', tone: 'fine' },
  { value: 'checked_out', label: 'Checked out', tone: 'warning' },
  { value: 'missing', label: 'Missing', tone: 'critical' },
  { value: 'discarded', label: 'Discarded', tone: 'inactive' },
]

/** statusLabel returns the label of a state; one that only a newer server has is its own label. */
export const statusLabel = (status: string): string => statuses.find(({ value }) => value === status)?.label ?? status

/** ContainerStatusBadge shows the state of a container. */
export function ContainerStatusBadge({ status }: { status: string }) {
  return (
    <StatusBadge tone={statuses.find(({ value }) => value === status)?.tone ?? 'inactive'}>
      {statusLabel(status)}
    </StatusBadge>
  )
}
