import { Checkbox, UnstyledButton } from '@mantine/core'
import { type ChangeEvent, memo, type MouseEvent, type ReactNode, type RefObject, useLayoutEffect, useRef, useState } from 'react'

import { moveRowFocus } from './moveRowFocus'
import classes from './RowTable.module.css'

/** Column describes a table column. The first column names the row and links to it. */
export interface Column<T> {
  id: string
  header: string
  /** The content if cell is not set. */
  value: (row: T) => string | number | null
  cell?: (row: T) => ReactNode
  /** Aligns numbers at the end. */
  alignEnd?: boolean
  /** Shows identifiers in a monospaced typeface. */
  isCode?: boolean
  /** Width in rem. Columns without a width share the rest. */
  width?: number
}

/** HeaderSort is the order of a column that can be sorted. */
export interface HeaderSort {
  direction: 'asc' | 'desc' | false
  /** The position among several sort keys, from 1. */
  position: number | undefined
  toggle: (event: MouseEvent) => void
}

/** RowSelection selects rows with checkboxes. Shift selects all rows between two clicks. */
export interface RowSelection {
  isSelected: (key: string) => boolean
  toggle: (key: string, event: ChangeEvent) => void
  isAllSelected: boolean
  isSomeSelected: boolean
  toggleAll: (event: ChangeEvent) => void
}

interface Props<T> {
  /** Accessible name of the table. */
  label: string
  columns: Column<T>[]
  rows: T[]
  rowKey: (row: T) => string | number
  /** Lets cells wrap, for prose in few rows. Otherwise each row is one line. */
  isWrapped?: boolean
  /** The order of a column, or undefined if the column cannot be sorted. */
  getSort?: (columnId: string) => HeaderSort | undefined
  selection?: RowSelection | undefined
}

const defaultWidth = 7.5 // rem; the minimum for a column without a width
const checkboxWidth = 2.5 // rem

/**
 * RowTable shows all rows, so that the browser finds and prints them. Its layout depends only on the columns and the
 * width of the container, never on the content. Arrow keys move between rows. In a narrow container the table scrolls,
 * and on a phone each row becomes a card.
 */
export function RowTable<T extends object>({
  label,
  columns,
  rows,
  rowKey,
  isWrapped = false,
  getSort,
  selection,
}: Props<T>) {
  const minWidth = columns.reduce(
    (sum, { width = defaultWidth }) => sum + width,
    selection === undefined ? 0 : checkboxWidth,
  )
  const containerRef = useRef<HTMLDivElement>(null)
  const isTooNarrow = useIsTooNarrow(containerRef, minWidth)
  return (
    <div ref={containerRef} className={`${classes.panel} ${isTooNarrow ? classes.scrolling : ''}`}>
      {/* oxlint-disable-next-line jsx-a11y/no-noninteractive-element-interactions -- moves the focus, sets titles */}
      <table
        role="table"
        className={`${classes.table} ${isWrapped ? classes.wrapped : ''}`}
        style={isTooNarrow ? { minWidth: `${minWidth}rem` } : undefined}
        aria-label={label}
        onKeyDown={moveRowFocus}
        onMouseOver={titleCutText}
        onFocus={titleCutText}
      >
        <colgroup>
          {selection && <col style={{ width: `${checkboxWidth}rem` }} />}
          {columns.map(({ id, width }) => (
            <col key={id} style={width ? { width: `${width}rem` } : undefined} />
          ))}
        </colgroup>
        <thead role="rowgroup">
          <tr role="row">
            {selection && (
              <th role="columnheader" scope="col" className={classes.checkbox}>
                <Checkbox
                  size="xs"
                  aria-label="Select all rows of this page"
                  checked={selection.isAllSelected}
                  indeterminate={selection.isSomeSelected && !selection.isAllSelected}
                  onChange={selection.toggleAll}
                />
              </th>
            )}
            {columns.map((column) => (
              <HeaderCell key={column.id} column={column} sort={getSort?.(column.id)} />
            ))}
          </tr>
        </thead>
        <tbody role="rowgroup">
          {rows.map((row) => {
            const key = String(rowKey(row))
            return (
              <Row
                key={key}
                row={row}
                rowId={key}
                columns={columns}
                isSelected={selection?.isSelected(key)}
                toggleSelected={selection?.toggle}
              />
            )
          })}
        </tbody>
      </table>
    </div>
  )
}

function HeaderCell<T>({ column: { header, alignEnd }, sort }: { column: Column<T>; sort: HeaderSort | undefined }) {
  const { direction = false, position, toggle } = sort ?? {}
  return (
    <th
      role="columnheader"
      scope="col"
      className={alignEnd ? classes.alignEnd : undefined}
      aria-sort={direction === 'asc' ? 'ascending' : direction === 'desc' ? 'descending' : undefined}
    >
      {toggle ? (
        <UnstyledButton className={classes.sortButton} onClick={toggle}>
          {header}
          <span aria-hidden>
            {direction === 'asc' ? ' ↑' : direction === 'desc' ? ' ↓' : ''}
            {position !== undefined && <sup>{position}</sup>}
          </span>
        </UnstyledButton>
      ) : (
        header
      )}
    </th>
  )
}

interface RowProps<T> {
  row: T
  rowId: string
  columns: Column<T>[]
  /** Undefined if rows cannot be selected. */
  isSelected: boolean | undefined
  toggleSelected: RowSelection['toggle'] | undefined
}

/** Row is memoized, so that a selection renders only the rows that it changes. */
const Row = memo(RowCells) as typeof RowCells

function RowCells<T>({ row, rowId, columns, isSelected, toggleSelected }: RowProps<T>) {
  return (
    <tr role="row" data-row={rowId} data-selected={isSelected || undefined}>
      {isSelected !== undefined && (
        <td role="cell" className={classes.checkbox}>
          <Checkbox
            size="xs"
            aria-label={`Select ${rowName(row, columns)}`}
            checked={isSelected}
            onChange={(event) => toggleSelected?.(rowId, event)}
          />
        </td>
      )}
      {columns.map(({ id, header, value, cell, alignEnd, isCode }, i) => {
        const content = cell ? cell(row) : value(row)
        return i === 0 ? (
          <th key={id} role="rowheader" scope="row">
            {content}
          </th>
        ) : (
          <td
            key={id}
            role="cell"
            data-label={header}
            className={alignEnd ? classes.alignEnd : isCode ? classes.code : undefined}
          >
            {content}
          </td>
        )
      })}
    </tr>
  )
}

const rowName = <T,>(row: T, [first]: Column<T>[]) => first?.value(row) ?? ''

/** titleCutText gives a cell its text as a title, if the column is too narrow for the text or for a link in it. */
function titleCutText({ target }: { target: EventTarget }) {
  const cell = target instanceof Element && target.closest<HTMLElement>('th, td')
  if (!cell) return
  const isCut = [cell, ...cell.querySelectorAll('a')].some(({ scrollWidth, clientWidth }) => scrollWidth > clientWidth)
  cell.title = isCut ? cell.textContent : ''
}

/** useIsTooNarrow reports whether the container is narrower than minWidth, in rem. */
function useIsTooNarrow(containerRef: RefObject<HTMLElement | null>, minWidth: number): boolean {
  const [isTooNarrow, setIsTooNarrow] = useState(false)
  useLayoutEffect(() => {
    const container = containerRef.current
    if (!container) return
    const measure = () =>
      setIsTooNarrow(
        container.clientWidth < minWidth * parseFloat(getComputedStyle(document.documentElement).fontSize),
      )
    measure()
    const observer = new ResizeObserver(measure)
    observer.observe(container)
    return () => observer.disconnect()
  }, [containerRef, minWidth])
  return isTooNarrow
}
