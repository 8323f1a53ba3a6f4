import { StatusBadge, type Tone } from '../components/StatusBadge'
import { statusLabel } from './api'

const tones: Record<string, Tone> = { open: 'inactive', doing: 'info', done: 'fine' }

/** TodoStatusBadge shows the status of a todo. */
export function TodoStatusBadge({ status }: { status: string }) {
  return <StatusBadge tone={tones[status] ?? 'warning'}>{statusLabel(status)}</StatusBadge>
}
