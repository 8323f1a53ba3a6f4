import { Text } from '@mantine/core'

import type { Room } from './api'

const maxListed = 24

/** TargetRoom states how much still fits into a place, and which positions are free. */
export function TargetRoom({ room, count }: { room: Room; count: number }) {
  const { free, positions } = room
  const isTooSmall = free !== undefined && free < count
  const rest = positions.length - maxListed
  return (
    <div role="status">
      <Text size="sm" c={isTooSmall ? 'var(--critical)' : 'dimmed'}>
        {free === undefined
          ? `Any number fits. It holds ${room.containers.toLocaleString('en')} now.`
          : `${free.toLocaleString('en')} free${positions.length > 0 ? (free === 1 ? ' position' : ' positions') : ''}` +
            (isTooSmall ? `, for ${count.toLocaleString('en')} containers` : '')}
      </Text>
      {positions.length > 0 && (
        <Text size="xs" c="dimmed">
          {positions.slice(0, maxListed).join(', ')}
          {rest > 0 && ` and ${rest} more`}
        </Text>
      )}
    </div>
  )
}
