import { Button, Group, Popover } from '@mantine/core'
import { useState } from 'react'

import type { EditableColumn } from './columns'
import { SeriesForm } from './SeriesForm'
import { appendRows, cellText, fillColumn, fillDown, removeRows, type Sheet, undo } from './sheet'
import { selectedRange } from './selection'

interface Props {
  sheet: Sheet
  columns: readonly EditableColumn[]
  onChange: (update: (sheet: Sheet) => Sheet) => void
}

const addedRows = 10

/** GridTools are the buttons above an editable grid. They act on the selected cells. */
export function GridTools({ sheet, columns, onChange }: Props) {
  const [isSeriesOpen, setIsSeriesOpen] = useState(false)
  const { top, bottom } = selectedRange(sheet)
  return (
    <Group gap="xs">
      <Popover
        opened={isSeriesOpen}
        onChange={setIsSeriesOpen}
        position="bottom-start"
        shadow="md"
        trapFocus
        returnFocus
      >
        <Popover.Target>
          <Button variant="default" onClick={() => setIsSeriesOpen((isOpen) => !isOpen)}>
            Series…
          </Button>
        </Popover.Target>
        <Popover.Dropdown aria-label="Series">
          <SeriesForm
            columnName={columns[sheet.active.column]?.header ?? ''}
            initialText={cellText(sheet, { row: top, column: sheet.active.column })}
            initialCount={bottom > top ? bottom - top + 1 : undefined}
            firstRow={top}
            maxCount={sheet.maxRows - top}
            onFill={(texts) => {
              setIsSeriesOpen(false)
              onChange((current) => fillColumn(current, texts))
            }}
          />
        </Popover.Dropdown>
      </Popover>
      <Button variant="default" onClick={() => onChange(fillDown)}>
        Fill down
      </Button>
      <Button variant="default" onClick={() => onChange((current) => appendRows(current, addedRows))}>
        Add {addedRows} rows
      </Button>
      <Button variant="default" onClick={() => onChange(removeRows)}>
        {bottom > top ? `Remove ${bottom - top + 1} rows` : 'Remove row'}
      </Button>
      <Button variant="default" disabled={sheet.past.length === 0} onClick={() => onChange(undo)}>
        Undo
      </Button>
    </Group>
  )
}
