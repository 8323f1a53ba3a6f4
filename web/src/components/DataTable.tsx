import { Button, Group, Text, UnstyledButton } from '@mantine/core'
import { useMediaQuery } from '@mantine/hooks'
import type { InfiniteData } from '@tanstack/react-query'
import { type ColumnDef, createSortedRowModel, rowSortingFeature, sortFn_alphanumeric, sortFn_basic, tableFeatures, useTable } from '@tanstack/react-table'
import { useWindowVirtualizer } from '@tanstack/react-virtual'
import { type ReactNode, type RefObject, useLayoutEffect, useMemo, useRef, useState } from 'react'

import type { Page } from '../api/client'
import style from './DataTable.module.css'
import { Shown } from './QueryBoundary'
import { stepRows } from './moveRowFocus'
import { usePlace } from './useElementOffset'

/** A Column of a table of Ts. The first column names the row, and has the link to it. */
export interface Column<T> {
  id: string
  header: string
  /** What it is sorted by, and shown unless there is a cell. */
  value: (row: T) => string | number | null
  cell?: (row: T) => ReactNode
  /** Numbers stand at the end. */
  end?: boolean
}

interface TableProps<T> {
  /** What a screen reader calls the table. */
  label: string
  columns: Column<T>[]
  rows: T[]
  rowKey: (row: T) => string | number
  /** False while there are further pages: sorting some of the rows would mislead. */
  sortable?: boolean
}

const features = tableFeatures({ rowSortingFeature, sortedRowModel: createSortedRowModel(), sortFns: { alphanumeric: sortFn_alphanumeric, basic: sortFn_basic } })

const many = 60 // rows; of more only those in sight are in the page

/** RowTable shows rows that are there. Arrows go from row to row; where it is narrow each row is a card. */
export function RowTable<T extends object>({ label, columns, rows, rowKey, sortable = true }: TableProps<T>) {
  const definitions = useMemo(
    (): ColumnDef<typeof features, T>[] =>
      columns.map(({ id, header, value }) => ({ id, header, accessorFn: (row: T) => value(row) ?? undefined, sortUndefined: 'last', sortFn: 'alphanumeric', enableSorting: sortable })),
    [columns, sortable],
  )
  const table = useTable({ features, columns: definitions, data: rows, getRowId: (row) => String(rowKey(row)) })
  const shown = table.getRowModel().rows
  const frame = useRef<HTMLTableElement>(null)
  const { top } = usePlace(frame)
  const phone = useMediaQuery('(max-width: 36em)', undefined, { getInitialValueInEffect: false }) ?? false
  const narrow = useTight(frame, columns.length) || phone
  const virtual = shown.length > many
  const virtualizer = useWindowVirtualizer({
    count: shown.length,
    enabled: virtual,
    estimateSize: () => (narrow ? 40 + 28 * columns.length : 41),
    getItemKey: (index) => shown[index]?.id ?? index,
    overscan: 12,
    scrollMargin: top,
  })
  const visible = virtual ? virtualizer.getVirtualItems() : undefined
  const before = visible?.[0] ? visible[0].start - top : 0
  const after = visible?.length ? virtualizer.getTotalSize() + top - (visible.at(-1)?.end ?? 0) : 0
  const indexes = visible ? visible.map(({ index }) => index) : shown.map((_, index) => index)
  return (
    // oxlint-disable-next-line jsx-a11y/no-noninteractive-element-interactions -- the arrows only move the focus from link to link
    <table ref={frame} role="table" className={`${style.table} ${narrow ? style.cards : ''}`} aria-label={label} aria-rowcount={shown.length + 1} onKeyDown={stepRows}>
      <thead role="rowgroup">
        <tr role="row" aria-rowindex={1}>
          {table.getHeaderGroups()[0]?.headers.map(({ id, column }, i) => {
            const sorted = column.getIsSorted()
            const { header, end } = columns[i] as Column<T>
            return (
              <th key={id} role="columnheader" scope="col" className={end ? style.end : undefined} aria-sort={sorted === 'asc' ? 'ascending' : sorted === 'desc' ? 'descending' : undefined}>
                {sortable && shown.length > 1 ? (
                  <UnstyledButton className={style.sort} onClick={column.getToggleSortingHandler()}>
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
        {before > 0 && <Spacer height={before} columns={columns.length} />}
        {indexes.map((index) => {
          const row = shown[index]
          if (!row) return null
          return (
            <tr key={row.id} role="row" aria-rowindex={index + 2} data-index={index} ref={virtual ? virtualizer.measureElement : undefined}>
              {columns.map(({ id, header, value, cell, end }, i) => {
                const content = cell ? cell(row.original) : value(row.original)
                return i === 0 ? (
                  <th key={id} role="rowheader" scope="row">
                    {content}
                  </th>
                ) : (
                  <td key={id} role="cell" data-label={header} className={end ? style.end : undefined}>
                    {content}
                  </td>
                )
              })}
            </tr>
          )
        })}
        {after > 0 && <Spacer height={after} columns={columns.length} />}
      </tbody>
    </table>
  )
}

const columnWidth = 7.5 // rem that a column takes at least

/** useTight tells whether there is no room for that many columns beside each other. */
function useTight(frame: RefObject<HTMLElement | null>, columns: number): boolean {
  const [tight, setTight] = useState(false)
  useLayoutEffect(() => {
    const room = frame.current?.parentElement
    if (!room) return
    const look = () => setTight(room.clientWidth < columns * columnWidth * parseFloat(getComputedStyle(document.documentElement).fontSize))
    look()
    const watch = new ResizeObserver(look)
    watch.observe(room)
    return () => watch.disconnect()
  }, [frame, columns])
  return tight
}

function Spacer({ height, columns }: { height: number; columns: number }) {
  return (
    <tr aria-hidden className={style.spacer}>
      <td colSpan={columns} style={{ height }} />
    </tr>
  )
}

interface Paged<T> {
  data: InfiniteData<Page<T>> | undefined
  error: Error | null
  fetchStatus: 'fetching' | 'paused' | 'idle'
  refetch: () => Promise<unknown>
  hasNextPage: boolean
  isFetchingNextPage: boolean
  fetchNextPage: () => Promise<unknown>
}

interface DataTableProps<T> extends Omit<TableProps<T>, 'rows' | 'sortable'> {
  /** What useInfiniteQuery answers for options made by paged. */
  query: Paged<T>
  /** Shown when there are no rows. */
  empty: ReactNode
}

/** DataTable shows a list of the API with all its states: loading, empty, refused, offline, and further pages. */
export function DataTable<T extends object>({ query, empty, ...props }: DataTableProps<T>) {
  const rows = useMemo(() => query.data?.pages.flatMap((page) => page.rows) ?? [], [query.data])
  return (
    <Shown query={query as Paged<T> & { refetch: never }}>
      {() =>
        rows.length === 0 ? (
          empty
        ) : (
          <div>
            <RowTable rows={rows} sortable={!query.hasNextPage} {...props} />
            <Group justify="space-between" mt="sm">
              <Text size="sm" c="dimmed" role="status">
                {query.hasNextPage ? `The first ${rows.length}` : rows.length === 1 ? 'One row' : `All ${rows.length} rows`}
              </Text>
              {query.hasNextPage && (
                <Button variant="default" loading={query.isFetchingNextPage} onClick={() => void query.fetchNextPage()}>
                  Show more
                </Button>
              )}
            </Group>
          </div>
        )
      }
    </Shown>
  )
}
