import { Button, Group, NativeSelect, Text } from '@mantine/core'

import { formatTotal } from '../components/formatTotal'
import { pageSizes } from './gridState'
import type { Grid } from './useGrid'

/** PageControls shows which rows are visible and leads to the other pages. */
export function PageControls<T extends object>({ grid }: { grid: Grid<T> }) {
  const { definition, state, actions, query, rows, total } = grid
  const { nextCursor, previousCursor } = query.data ?? {}
  const isStale = query.isPlaceholderData // the cursors are those of the page before
  const { many } = definition.itemNames
  const first = (state.page - 1) * state.limit + 1
  const range = `${first.toLocaleString('en')}–${(first + rows.length - 1).toLocaleString('en')}`
  const isOnePage = state.page === 1 && nextCursor === undefined
  const isFirstPage = state.page === 1 && previousCursor === undefined
  const showPrevious = () => {
    if (isStale) return
    if (state.page <= 2 || previousCursor === undefined) actions.showPage(1)
    else actions.showPage(state.page - 1, { before: previousCursor })
  }
  const showNext = () => {
    if (!isStale && nextCursor !== undefined) actions.showPage(state.page + 1, { after: nextCursor })
  }
  if (isOnePage) return null
  return (
    <Group component="nav" aria-label={`Pages of ${many}`} justify="space-between" mt="xs" gap="xs">
      <Text size="sm" c="dimmed">
        {isStale ? 'Loading…' : range}
        {!isStale && total && ` of ${formatTotal(total)}`}
      </Text>
      <Group gap="xs">
        <NativeSelect
          size="xs"
          aria-label="Rows per page"
          data={pageSizes.map((size) => ({ value: String(size), label: `${size} rows` }))}
          value={String(state.limit)}
          onChange={(event) => actions.setLimit(Number(event.currentTarget.value))}
        />
        <Button variant="default" disabled={isFirstPage} onClick={() => actions.showPage(1)}>
          First
        </Button>
        <Button variant="default" disabled={isFirstPage} onClick={showPrevious}>
          Previous
        </Button>
        <Button variant="default" disabled={nextCursor === undefined} onClick={showNext}>
          Next
        </Button>
      </Group>
    </Group>
  )
}
