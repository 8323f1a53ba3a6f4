import { Button, Checkbox, Popover, Stack } from '@mantine/core'

import { defaultColumnIds, type GridState, shownColumns } from './gridState'
import { ToolLabel } from './ToolLabel'
import type { ListDefinition } from './types'
import type { GridActions } from './useGridState'

interface Props<T> {
  definition: ListDefinition<T>
  state: GridState<T>
  actions: GridActions
}

/** ColumnChooser shows and hides columns. The choice is in the URL, so that a link shows the same columns. */
export function ColumnChooser<T>({ definition, state, actions }: Props<T>) {
  const columns = shownColumns(definition)
  const [firstColumn] = columns
  const toggle = (id: string) => {
    const visible = new Set(state.visibleIds)
    if (!visible.delete(id)) visible.add(id)
    actions.setVisibleIds(columns.map((column) => column.id).filter((columnId) => visible.has(columnId)))
  }
  return (
    <Popover position="bottom-end" trapFocus returnFocus>
      <Popover.Target>
        <Button variant="default" title="Columns">
          <ToolLabel icon="columns">Columns</ToolLabel>
        </Button>
      </Popover.Target>
      <Popover.Dropdown aria-label="Columns">
        <Stack gap={4}>
          {columns.map(({ id, header }) => (
            <Checkbox
              key={id}
              label={header}
              py={4}
              checked={state.visibleIds.includes(id)}
              disabled={id === firstColumn?.id} // it names the row
              onChange={() => toggle(id)}
            />
          ))}
          <Button variant="subtle" size="sm" onClick={() => actions.setVisibleIds(defaultColumnIds(definition))}>
            Reset columns
          </Button>
        </Stack>
      </Popover.Dropdown>
    </Popover>
  )
}
