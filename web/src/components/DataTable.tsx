import { Button, Group, Text, UnstyledButton } from '@mantine/core'
import { useMediaQuery } from '@mantine/hooks'
import type { InfiniteData } from '@tanstack/react-query'
import {
  type ColumnDef,
  createSortedRowModel,
  rowSortingFeature,
  sortFn_alphanumeric,
  sortFn_basic,
  tableFeatures,
  useTable,
} from '@tanstack/react-table'
import { useWindowVirtualizer } from '@tanstack/react-virtual'
import { type ReactNode, type RefObject, useLayoutEffect, useMemo, useRef, useState } from 'react'

import type { Page } from '../api/client'
import classes from './DataTable.module.css'
import { moveRowFocus } from './moveRowFocus'
import { QueryBoundary } from './QueryBoundary'
import { useElementOffset } from './useElementOffset'

/** Column describes a table column. The first column names the row and links to it. */
export interface Column<T> {
  id: string
  header: string
  /** The sort key, and the content if cell is not set. */
  value: (row: T) => string | number | null
  cell?: (row: T) => ReactNode
  /** Aligns numbers at the end. */
  alignEnd?: boolean
}

interface TableProps<T> {
  /** Accessible name of the table. */
  label: string
  columns: Column<T>[]
  rows: T[]
  rowKey: (row: T) => string | number
  /** False while further pages exist, since sorting a part of the rows would mislead. */
  sortable?: boolean
}

const sortingFeatures = tableFeatures({
  rowSortingFeature,
  sortedRowModel: createSortedRowModel(),
  sortFns: { alphanumeric: sortFn_alphanumeric, basic: sortFn_basic },
})

const virtualizeThreshold = 60 // rows; longer tables render only the visible rows

/** RowTable shows loaded rows. Arrow keys move between rows. In a narrow container each row becomes a card. */
export function RowTable<T extends object>({ label, columns, rows, rowKey, sortable = true }: TableProps<T>) {
  const columnDefs = useMemo(
    (): ColumnDef<typeof sortingFeatures, T>[] =>
      columns.map(({ id, header, value }) => ({
        id,
        header,
        accessorFn: (row: T) => value(row) ?? undefined,
        sortUndefined: 'last',
        sortFn: 'alphanumeric',
        enableSorting: sortable,
      })),
    [columns, sortable],
  )
  const table = useTable({
    features: sortingFeatures,
    columns: columnDefs,
    data: rows,
    getRowId: (row) => String(rowKey(row)),
  })
  const sortedRows = table.getRowModel().rows
  const tableRef = useRef<HTMLTableElement>(null)
  const { top } = useElementOffset(tableRef)
  const isPhone = useMediaQuery('(max-width: 36em)', undefined, { getInitialValueInEffect: false }) ?? false
  const showCards = useIsTooNarrow(tableRef, columns.length) || isPhone
  const isVirtual = sortedRows.length > virtualizeThreshold
  const virtualizer = useWindowVirtualizer({
    count: sortedRows.length,
    enabled: isVirtual,
    estimateSize: () => (showCards ? 40 + 28 * columns.length : 41),
    getItemKey: (index) => sortedRows[index]?.id ?? index,
    overscan: 12,
    scrollMargin: top,
  })
  const virtualItems = isVirtual ? virtualizer.getVirtualItems() : undefined
  const paddingBefore = virtualItems?.[0] ? virtualItems[0].start - top : 0
  const paddingAfter = virtualItems?.length ? virtualizer.getTotalSize() + top - (virtualItems.at(-1)?.end ?? 0) : 0
  const indexes = virtualItems ? virtualItems.map(({ index }) => index) : sortedRows.map((_, index) => index)
  return (
    // oxlint-disable-next-line jsx-a11y/no-noninteractive-element-interactions -- arrow keys only move the focus
    <table
      ref={tableRef}
      role="table"
      className={`${classes.table} ${showCards ? classes.cards : ''}`}
      aria-label={label}
      aria-rowcount={sortedRows.length + 1}
      onKeyDown={moveRowFocus}
    >
      <thead role="rowgroup">
        <tr role="row" aria-rowindex={1}>
          {table.getHeaderGroups()[0]?.headers.map(({ id, column }, i) => {
            const sorted = column.getIsSorted()
            const { header, alignEnd } = columns[i] as Column<T>
            return (
              <th
                key={id}
                role="columnheader"
                scope="col"
                className={alignEnd ? classes.alignEnd : undefined}
                aria-sort={sorted === 'asc' ? 'ascending' : sorted === 'desc' ? 'descending' : undefined}
              >
                {sortable && sortedRows.length > 1 ? (
                  <UnstyledButton className={classes.sortButton} onClick={column.getToggleSortingHandler()}>
                    {header}
                    <span aria-hidden>{sorted === 'asc' ? ' ↑' : sorted === 'desc' ? ' ↓' : ''}</span>
                  </UnstyledButton>
                ) : (
                  header
                )}
              </th>
            )
          })}
        </tr>
      </thead>
      <tbody role="rowgroup">
        {paddingBefore > 0 && <Spacer height={paddingBefore} columns={columns.length} />}
        {indexes.map((index) => {
          const row = sortedRows[index]
          if (!row) return null
          return (
            <tr
              key={row.id}
              role="row"
              aria-rowindex={index + 2}
              data-index={index}
              ref={isVirtual ? virtualizer.measureElement : undefined}
            >
              {columns.map(({ id, header, value, cell, alignEnd }, i) => {
                const content = cell ? cell(row.original) : value(row.original)
                return i === 0 ? (
                  <th key={id} role="rowheader" scope="row">
                    {content}
                  </th>
                ) : (
                  <td key={id} role="cell" data-label={header} className={alignEnd ? classes.alignEnd : undefined}>
                    {content}
                  </td>
                )
              })}
            </tr>
          )
        })}
        {paddingAfter > 0 && <Spacer height={paddingAfter} columns={columns.length} />}
      </tbody>
    </table>
  )
}

const minColumnWidth = 7.5 // rem

/** useIsTooNarrow reports whether the container is too narrow for the columns. */
function useIsTooNarrow(tableRef: RefObject<HTMLElement | null>, columns: number): boolean {
  const [isTooNarrow, setIsTooNarrow] = useState(false)
  useLayoutEffect(() => {
    const container = tableRef.current?.parentElement
    if (!container) return
    const measure = () =>
      setIsTooNarrow(
        container.clientWidth <
          columns * minColumnWidth * parseFloat(getComputedStyle(document.documentElement).fontSize),
      )
    measure()
    const observer = new ResizeObserver(measure)
    observer.observe(container)
    return () => observer.disconnect()
  }, [tableRef, columns])
  return isTooNarrow
}

function Spacer({ height, columns }: { height: number; columns: number }) {
  return (
    <tr aria-hidden className={classes.spacer}>
      <td colSpan={columns} style={{ height }} />
    </tr>
  )
}

interface PagedQuery<T> {
  data: InfiniteData<Page<T>> | undefined
  error: Error | null
  fetchStatus: 'fetching' | 'paused' | 'idle'
  refetch: () => Promise<unknown>
  hasNextPage: boolean
  isFetchingNextPage: boolean
  fetchNextPage: () => Promise<unknown>
}

interface DataTableProps<T> extends Omit<TableProps<T>, 'rows' | 'sortable'> {
  /** The result of useInfiniteQuery with the options of pagedQuery. */
  query: PagedQuery<T>
  /** Shown when there are no rows. */
  empty: ReactNode
}

/** DataTable shows a paged list of the API in all its states: loading, empty, error, offline and further pages. */
export function DataTable<T extends object>({ query, empty, ...props }: DataTableProps<T>) {
  const rows = useMemo(() => query.data?.pages.flatMap((page) => page.rows) ?? [], [query.data])
  return (
    <QueryBoundary query={query as PagedQuery<T> & { refetch: never }}>
      {() =>
        rows.length === 0 ? (
          empty
        ) : (
          <div>
            <RowTable rows={rows} sortable={!query.hasNextPage} {...props} />
            <Group justify="space-between" mt="sm">
              <Text size="sm" c="dimmed" role="status">
                {query.hasNextPage
                  ? `First ${rows.length} items`
                  : rows.length === 1
                    ? '1 item'
                    : `${rows.length} items`}
              </Text>
              {query.hasNextPage && (
                <Button variant="default" loading={query.isFetchingNextPage} onClick={() => void query.fetchNextPage()}>
                  Load more
                </Button>
              )}
            </Group>
          </div>
        )
      }
    </QueryBoundary>
  )
}
