import { Stack, VisuallyHidden } from '@mantine/core'
import { type CSSProperties, type ReactNode, useId, useMemo, useRef, useState } from 'react'

import { commandKey } from '../shell/shortcuts'
import { type CellError, groupByRow, isCurrent, locateErrors } from './cellErrors'
import { CellErrorList } from './CellErrorList'
import type { EditableColumn } from './columns'
import classes from './EditableGrid.module.css'
import { GridRow } from './GridRow'
import { GridTools } from './GridTools'
import { selectedRange } from './selection'
import { isBlank, type Sheet } from './sheet'
import { useCellEditor } from './useCellEditor'

interface Props {
  /** Accessible name of the table. */
  label: string
  columns: readonly EditableColumn[]
  sheet: Sheet
  onChange: (update: (sheet: Sheet) => Sheet) => void
  errors: readonly CellError[]
  /** Buttons below the table. */
  children?: ReactNode
}

const noErrors: CellError[] = []

/**
 * EditableGrid is a table for typing, pasting and correcting many rows, with the keys of a spreadsheet. Errors appear at
 * their cells and in a list below.
 */
export function EditableGrid({ label, columns, sheet, onChange, errors, children }: Props) {
  const tableRef = useRef<HTMLTableElement>(null)
  const messageId = useId()
  const [isFocused, setIsFocused] = useState(false)
  const { handlers, focusCell } = useCellEditor({ tableRef, columns, sheet, onChange })
  const errorsByRow = useMemo(() => groupByRow(errors), [errors])
  const located = useMemo(() => locateErrors(sheet.rows, errorsByRow), [sheet.rows, errorsByRow])
  const { active, isEditing } = sheet
  const range = selectedRange(sheet)
  const activeRow = sheet.rows[active.row]
  const activeErrors = ((activeRow && errorsByRow.get(activeRow.id)) ?? noErrors).filter(
    (error) =>
      activeRow && isCurrent(error, activeRow) && (error.column === undefined || error.column === active.column),
  )
  const hasShownError = isFocused && activeErrors.length > 0
  const rowCount = useMemo(() => sheet.rows.filter((row) => !isBlank(row)).length, [sheet.rows])
  return (
    <Stack gap="xs">
      <GridTools sheet={sheet} columns={columns} onChange={onChange} />
      <div className={classes.frame} onFocus={() => setIsFocused(true)} onBlur={() => setIsFocused(false)}>
        <div className={classes.scroller}>
          <table
            ref={tableRef}
            // oxlint-disable-next-line jsx-a11y/no-noninteractive-element-to-interactive-role -- the ARIA grid pattern
            role="grid"
            aria-label={label}
            aria-multiselectable
            className={classes.table}
            style={columnStyle(columns)}
            {...handlers}
          >
            <thead role="rowgroup">
              <tr role="row">
                <th role="columnheader" scope="col">
                  <VisuallyHidden>Row</VisuallyHidden>
                </th>
                {columns.map(({ id, header, detail, isIgnored }) => (
                  <th key={id} role="columnheader" scope="col" data-ignored={isIgnored || undefined}>
                    {header}
                    {detail && <span className={classes.detail}>{detail}</span>}
                  </th>
                ))}
              </tr>
            </thead>
            <tbody role="rowgroup">
              {sheet.rows.map((row, index) => {
                const isSelected = index >= range.top && index <= range.bottom
                return (
                  <GridRow
                    key={row.id}
                    row={row}
                    index={index}
                    columns={columns}
                    errors={errorsByRow.get(row.id) ?? noErrors}
                    activeColumn={index === active.row ? active.column : undefined}
                    isEditing={isEditing && index === active.row}
                    rangeLeft={isSelected ? range.left : undefined}
                    rangeRight={isSelected ? range.right : undefined}
                    messageId={index === active.row && activeErrors.length > 0 ? messageId : undefined}
                  />
                )
              })}
            </tbody>
          </table>
        </div>
        <div className={classes.footer} data-error={hasShownError || undefined}>
          <span>
            <span id={messageId}>{hasShownError && activeErrors.map(({ message }) => message).join('. ')}</span>
            <span role="status">{!hasShownError && sheet.notice}</span>
            {!hasShownError && !sheet.notice && <span className={classes.keyHint}>{keyHint}</span>}
          </span>
          <span className={classes.count}>{rowCount === 1 ? '1 row' : `${rowCount.toLocaleString('en')} rows`}</span>
        </div>
      </div>
      {children}
      <CellErrorList errors={located} columns={columns} onSelect={focusCell} />
    </Stack>
  )
}

const defaultWidth = 12 // rem; the minimum for a column without a width
const rowHeaderWidth = 3 // rem

/** columnStyle sets the widths of the columns: the rows are CSS grids, so that rows out of sight cost nothing. */
function columnStyle(columns: readonly EditableColumn[]): CSSProperties {
  const tracks = columns.map(({ width }) => (width ? `${width}rem` : `minmax(${defaultWidth}rem, 1fr)`))
  const minWidth = columns.reduce((sum, { width = defaultWidth }) => sum + width, rowHeaderWidth)
  return { '--tracks': `${rowHeaderWidth}rem ${tracks.join(' ')}`, minWidth: `${minWidth}rem` } as CSSProperties
}

const keyHint = `Paste from a spreadsheet with ${commandKey}+V. ${commandKey}+D fills down, ${commandKey}+Z undoes. Esc, then Tab leaves the table.`
