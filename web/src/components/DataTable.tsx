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
import { memo, type ReactNode, type RefObject, useLayoutEffect, useMemo, useRef, useState } from 'react'

import type { Page } from '../api/client'
import classes from './DataTable.module.css'
import { moveRowFocus } from './moveRowFocus'
import { QueryBoundary } from './QueryBoundary'

/** Column describes a table column. The first column names the row and links to it. */
export interface Column<T> {
  id: string
  header: string
  /** The sort key, and the content if cell is not set. */
  value: (row: T) => string | number | null
  cell?: (row: T) => ReactNode
  /** Aligns numbers at the end. */
  alignEnd?: boolean
  /** Width in rem. Columns without a width share the rest. */
  width?: number
}

interface TableProps<T> {
  /** Accessible name of the table. */
  label: string
  columns: Column<T>[]
  rows: T[]
  rowKey: (row: T) => string | number
  /** False while further pages exist, since sorting a part of the rows would mislead. */
  sortable?: boolean
  /** Lets cells wrap, for prose in few rows. Otherwise each row is one line. */
  isWrapped?: boolean
}

const sortingFeatures = tableFeatures({
  rowSortingFeature,
  sortedRowModel: createSortedRowModel(),
  sortFns: { alphanumeric: sortFn_alphanumeric, basic: sortFn_basic },
})

const defaultWidth = 7.5 // rem; the minimum for a column without a width

/**
 * RowTable shows all loaded rows, so that the browser finds and prints them. Its layout depends only on the columns and
 * the width of the container, never on the content. Arrow keys move between rows. In a narrow container each row
 * becomes a card.
 */
export function RowTable<T extends object>({
  label,
  columns,
  rows,
  rowKey,
  sortable = true,
  isWrapped = false,
}: TableProps<T>) {
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
  const isPhone = useMediaQuery('(max-width: 36em)', undefined, { getInitialValueInEffect: false }) ?? false
  const minWidth = columns.reduce((sum, { width = defaultWidth }) => sum + width, 0)
  const showCards = useIsTooNarrow(tableRef, minWidth) || isPhone
  return (
    // oxlint-disable-next-line jsx-a11y/no-noninteractive-element-interactions -- moves the focus, sets titles
    <table
      ref={tableRef}
      role="table"
      className={`${classes.table} ${showCards ? classes.cards : ''} ${isWrapped ? classes.wrapped : ''}`}
      aria-label={label}
      onKeyDown={moveRowFocus}
      onMouseOver={titleCutText}
      onFocus={titleCutText}
    >
      <colgroup>
        {columns.map(({ id, width }) => (
          <col key={id} style={width ? { width: `${width}rem` } : undefined} />
        ))}
      </colgroup>
      <thead role="rowgroup">
        <tr role="row">
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
        {sortedRows.map((row) => (
          <Row key={row.id} row={row.original} columns={columns} />
        ))}
      </tbody>
    </table>
  )
}

/** Row is memoized, so that "Load more" renders only the new rows. */
const Row = memo(RowCells) as typeof RowCells

function RowCells<T>({ row, columns }: { row: T; columns: Column<T>[] }) {
  return (
    <tr role="row">
      {columns.map(({ id, header, value, cell, alignEnd }, i) => {
        const content = cell ? cell(row) : value(row)
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
}

/** titleCutText gives a cell its text as a title, if the column is too narrow for the text or for a link in it. */
function titleCutText({ target }: { target: EventTarget }) {
  const cell = target instanceof Element && target.closest<HTMLElement>('th, td')
  if (!cell) return
  const isCut = [cell, ...cell.querySelectorAll('a')].some(({ scrollWidth, clientWidth }) => scrollWidth > clientWidth)
  cell.title = isCut ? cell.textContent : ''
}

/** useIsTooNarrow reports whether the container is narrower than minWidth, in rem. */
function useIsTooNarrow(tableRef: RefObject<HTMLElement | null>, minWidth: number): boolean {
  const [isTooNarrow, setIsTooNarrow] = useState(false)
  useLayoutEffect(() => {
    const container = tableRef.current?.parentElement
    if (!container) return
    const measure = () =>
      setIsTooNarrow(
        container.clientWidth < minWidth * parseFloat(getComputedStyle(document.documentElement).fontSize),
      )
    measure()
    const observer = new ResizeObserver(measure)
    observer.observe(container)
    return () => observer.disconnect()
  }, [tableRef, minWidth])
  return isTooNarrow
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
