import { Button, Group, Text } from '@mantine/core'
import type { ReactNode, Ref } from 'react'

import { formatTotal } from '../components/formatTotal'
import classes from './DataGrid.module.css'
import { maxMatches } from './selection'
import type { Grid } from './useGrid'

interface Props<T extends object> {
  grid: Grid<T>
  /** Buttons that do not depend on the selection. */
  actions?: ReactNode
  /** Buttons that act on the selected rows. */
  children: ReactNode
  ref: Ref<HTMLDivElement>
}

/**
 * GridStatus is the line above the rows: their total, or the selection with its actions. It has the same height in both
 * cases, so that no row moves under the pointer. With a selection it stays in sight.
 */
export function GridStatus<T extends object>({ grid, actions, children, ref }: Props<T>) {
  const { definition, selection, total, rows } = grid
  const { one, many } = definition.itemNames
  if (selection.count === 0)
    return (
      <div className={classes.status}>
        <Text size="sm" c="dimmed" role="status">
          {total && `${formatTotal(total)} ${total.count === 1 ? one : many}`}
        </Text>
        {actions}
      </div>
    )
  const isWholePage = selection.rows.length === rows.length
  const canSelectAll =
    isWholePage && !selection.isAllMatching && total && !total.isEstimate && total.count > rows.length
  return (
    <div ref={ref} role="region" aria-label={`Selected ${many}`} className={classes.bulkBar}>
      <Text size="sm" fw={600} role="status">
        {selection.isAllMatching && 'All '}
        {selection.count.toLocaleString('en')} selected
      </Text>
      {canSelectAll &&
        (total.count <= maxMatches ? (
          <Button variant="subtle" size="compact-sm" onClick={grid.selectAllMatching}>
            Select all {formatTotal(total)} matching
          </Button>
        ) : (
          <Text size="sm">Add a filter to select more: {maxMatches.toLocaleString('en')} at most.</Text>
        ))}
      <Group gap="xs">{children}</Group>
      <Button variant="subtle" size="compact-sm" ml="auto" onClick={() => grid.select([])}>
        Clear selection
      </Button>
    </div>
  )
}
