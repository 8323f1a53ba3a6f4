import { Stack } from '@mantine/core'
import { useElementSize } from '@mantine/hooks'
import { type CSSProperties, type ReactNode, useCallback, useMemo } from 'react'

import { asOfParam } from '../asOf/asOf'
import { NothingThere } from '../asOf/NothingThere'
import { QueryBoundary } from '../components/QueryBoundary'
import { type Column, type HeaderSort, RowTable } from '../components/RowTable'
import { exportParams, isDefaultView } from './gridState'
import { GridStatus } from './GridStatus'
import { GridToolbar } from './GridToolbar'
import { listUrl } from './listQuery'
import { NoMatches } from './NoMatches'
import { PageControls } from './PageControls'
import type { Selection } from './selection'
import type { RowActions } from './types'
import type { Grid } from './useGrid'

interface Props<T extends object> {
  grid: Grid<T>
  /** Shown when the list is empty, unless the user has searched or filtered it. */
  empty: ReactNode
  /** Buttons at the end of the line above the rows, for a list within a screen. */
  actions?: ReactNode
  /** Adds a last column with buttons. */
  rowActions?: RowActions<T> | undefined
  /** Buttons for the selected rows. Without it, rows cannot be selected. */
  bulkActions?: ((selection: Selection<T>) => ReactNode) | undefined
  /** Buttons in the title line: filters that users need often. */
  quickFilters?: ReactNode
  /** True hides the toolbar while the list is short and has no filters, for a list within a screen. */
  isEmbedded?: boolean
}

const shortListLength = 10

/** DataGrid shows a list of the API with its toolbar: search, filters, columns, export, order, pages and selection. */
export function DataGrid<T extends object>({
  grid,
  empty,
  actions: ownActions,
  rowActions: ownRowActions,
  bulkActions: ownBulkActions,
  quickFilters,
  isEmbedded = false,
}: Props<T>) {
  const { definition, scope, state, actions, query, rows, table, total, selection, asOf } = grid
  const [rowActions, bulkActions] = asOf === undefined ? [ownRowActions, ownBulkActions] : [] // the past is read-only
  const isFiltered = !isDefaultView(definition, state)
  const isOneSite = !grid.isScoped && scope !== undefined
  const columns = useVisibleColumns(grid, rowActions)
  const getSort = (id: string): HeaderSort | undefined => {
    const column = definition.columns.some((item) => item.id === id) ? table.getColumn(id) : undefined
    if (!column?.getCanSort()) return undefined
    return {
      direction: column.getIsSorted(),
      position: state.sort.length > 1 && column.getIsSorted() ? column.getSortIndex() + 1 : undefined,
      toggle: (event) => column.getToggleSortingHandler()?.(event),
    }
  }
  const toggleSelected = useCallback(
    (key: string, event: unknown) => table.getRow(key).getToggleSelectedHandler()(event),
    [table],
  )
  const { ref: barRef, height: barHeight } = useElementSize<HTMLDivElement>({ box: 'border-box' })
  const isShort = (total?.count ?? rows.length) <= shortListLength
  return (
    <Stack gap={4}>
      {!(isEmbedded && isShort && !isFiltered) && (
        <GridToolbar
          definition={definition}
          state={state}
          actions={actions}
          exportUrl={listUrl(definition.noun, { ...exportParams(definition, state, scope), ...asOfParam(asOf) })}
          quickFilters={quickFilters}
          isScoped={grid.isScoped}
          isOneSite={isOneSite}
        />
      )}
      <QueryBoundary query={query}>
        {() =>
          rows.length === 0 && state.page === 1 ? (
            isFiltered || isOneSite ? (
              <NoMatches
                items={definition.itemNames.many}
                onClear={isFiltered ? actions.clearFilters : undefined}
                isOneSite={isOneSite}
              />
            ) : asOf === undefined ? (
              empty
            ) : (
              <NothingThere />
            )
          ) : (
            <div
              aria-busy={query.isPlaceholderData}
              style={{ '--head-offset': `${selection.count > 0 ? barHeight : 0}px` } as CSSProperties}
            >
              <GridStatus grid={grid} actions={ownActions} ref={barRef}>
                {bulkActions?.(selection)}
              </GridStatus>
              <RowTable
                label={definition.label}
                columns={columns}
                rows={rows}
                rowKey={definition.rowKey}
                isWrapped={definition.isWrapped ?? false}
                getSort={getSort}
                selection={
                  bulkActions && {
                    isSelected: (key) => table.state.rowSelection[key] === true,
                    toggle: toggleSelected,
                    isAllSelected: rows.length > 0 && selection.rows.length === rows.length,
                    isSomeSelected: selection.rows.length > 0,
                    toggleAll: table.getToggleAllRowsSelectedHandler(),
                  }
                }
              />
              <PageControls grid={grid} />
            </div>
          )
        }
      </QueryBoundary>
    </Stack>
  )
}

/** useVisibleColumns returns the visible columns of a grid in the form of a table. */
function useVisibleColumns<T extends object>({ definition, state }: Grid<T>, rowActions: RowActions<T> | undefined) {
  return useMemo(() => {
    const columns = state.visibleIds.flatMap((id): Column<T>[] => {
      const column = definition.columns.find((column) => column.id === id)
      const value = (row: T) => row[id as keyof T] as string | number | null
      return column ? [{ ...column, value: column.value ?? value, isCode: column.type === 'key' }] : []
    })
    if (rowActions) {
      const { header, width, render } = rowActions
      columns.push({ id: 'actions', header, width, value: () => null, cell: render })
    }
    return columns
  }, [definition, state.visibleIds, rowActions])
}
