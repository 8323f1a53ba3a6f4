import { memo } from 'react'

import { type CellError, isCurrent } from './cellErrors'
import type { EditableColumn } from './columns'
import type { SheetRow } from './sheet'

interface Props {
  row: SheetRow
  index: number
  columns: readonly EditableColumn[]
  errors: readonly CellError[]
  /** The column of the active cell, if it is in this row. */
  activeColumn: number | undefined
  isEditing: boolean
  /** The first and the last selected column, if cells of this row are selected. */
  rangeLeft: number | undefined
  rangeRight: number | undefined
  /** The element with the errors of the active cell. */
  messageId: string | undefined
}

/** GridRow is memoized, so that a change renders only the rows that it concerns. */
export const GridRow = memo(function GridRow({
  row,
  index,
  columns,
  errors,
  activeColumn,
  isEditing,
  rangeLeft = Infinity,
  rangeRight = -1,
  messageId,
}: Props) {
  const currentErrors = errors.filter((error) => isCurrent(error, row))
  const hasRowError = currentErrors.some(({ column }) => column === undefined)
  return (
    <tr role="row" data-row={index} data-active={activeColumn !== undefined || undefined}>
      <th role="rowheader" scope="row" data-error={hasRowError || undefined}>
        {index + 1}
      </th>
      {columns.map(({ id, header, isCode, isIgnored }, column) => {
        const text = row.cells[column] ?? ''
        const isActive = column === activeColumn
        const hasError = currentErrors.some((error) => error.column === column)
        const isSelected = column >= rangeLeft && column <= rangeRight
        return (
          <td
            key={id}
            role="gridcell"
            data-column={column}
            data-active={isActive || undefined}
            data-code={isCode || undefined}
            data-ignored={isIgnored || undefined}
            aria-selected={isSelected}
            aria-invalid={hasError || undefined}
          >
            {isActive ? (
              <textarea
                key="editor"
                rows={1}
                defaultValue={text}
                aria-label={`${header}, row ${index + 1}`}
                aria-invalid={hasError || undefined}
                aria-describedby={messageId}
                data-editing={isEditing || undefined}
                data-scan={columns.some(({ acceptsScan }) => acceptsScan) ? 'accept' : undefined}
                autoComplete="off"
                autoCapitalize="off"
                spellCheck={false}
              />
            ) : (
              text
            )}
          </td>
        )
      })}
    </tr>
  )
})
