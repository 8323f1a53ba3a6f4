import { Button, Group } from '@mantine/core'

import { useMay } from '../session/api'
import type { Alert } from './api'
import { can, type Kind } from './useAlertActions'

interface Props {
  alerts: Alert[]
  act: (kind: Kind, alerts: Alert[]) => void
  busy?: boolean
  /** In a table: what is left to do, not what can be made of it later. */
  small?: boolean
}

const labels = { acknowledge: 'Acknowledge', close: 'Close…', assign: 'Assign…', settle: 'Change the outcome…' } as const

/** AlertButtons do with alerts what still can be done; who may do nothing sees none. */
export function AlertButtons({ alerts, act, busy = false, small = false }: Props) {
  const may = useMay('operator')
  if (!may) return null
  return (
    <Group gap={4}>
      {(Object.keys(labels) as Kind[])
        .filter((kind) => alerts.some((alert) => can(kind, alert)) && !(small && kind === 'settle'))
        .map((kind) => (
          <Button key={kind} variant="default" size={small ? 'compact-sm' : 'sm'} disabled={busy} onClick={() => act(kind, alerts)}>
            {labels[kind]}
          </Button>
        ))}
    </Group>
  )
}

const colours = { open: 'orange', acknowledged: 'blue', closed: 'gray' } as Record<string, string>

export const colourOf = (state: string) => colours[state] ?? 'gray'
