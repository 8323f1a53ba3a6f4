import { Stack, Text } from '@mantine/core'
import type { CSSProperties } from 'react'

import { type Column, RowTable } from '../components/RowTable'
import type { Move, Moves } from './api'
import { countContainers, describePlace, moveTitle } from './pickOrder'

const columns: Column<Move>[] = [
  { id: 'container', header: 'Container', value: moveTitle },
  { id: 'barcode', header: 'Barcode', value: ({ barcode }) => barcode, width: 10, isCode: true },
  { id: 'from', header: 'From', value: (move) => describePlace(move, 'from'), width: 16 },
  { id: 'to', header: 'To', value: (move) => describePlace(move, 'to'), width: 18 },
]

const maxShown = 200

/** PlanTable shows which containers move from where to where. */
export function PlanTable({ moves: { moved, moves } }: { moves: Moves }) {
  if (moved === 0) return <Text>All containers are there already. Nothing moves.</Text>
  const shown = moves.slice(0, maxShown)
  return (
    <Stack gap="xs">
      {/* The head of the table sticks to the dialog, not below the header of the app. */}
      <div style={{ '--header-height': '0px' } as CSSProperties}>
        <RowTable label="Plan" columns={columns} rows={shown} rowKey={({ container_uuid }) => container_uuid} isWrapped />
      </div>
      {moved > shown.length && (
        <Text size="sm" c="dimmed">
          The first {shown.length} of {countContainers(moved)}. The pick list has{' '}
          {moves.length < moved ? `the first ${moves.length.toLocaleString('en')}` : 'all'}.
        </Text>
      )}
    </Stack>
  )
}
