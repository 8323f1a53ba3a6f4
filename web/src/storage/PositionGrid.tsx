import { VisuallyHidden } from '@mantine/core'
import { type CSSProperties, type KeyboardEvent, memo, type MouseEvent, type ReactNode, useEffect, useRef, useState } from 'react'

import { type CellPosition, type CellRange, keyTarget, selectedRange } from '../editableGrid/selection'
import type { Content } from './api'
import { type CellLook, PositionCell } from './PositionCell'
import classes from './PositionGrid.module.css'
import { type Cell, columnLabel, type GridShape, rowLabel, summarizeRange } from './positions'
import { useCellDrag } from './useCellDrag'

interface Props {
  /** Accessible name of the grid. */
  label: string
  shape: GridShape
  /** The cells of buildCells. */
  cells: Cell[][]
  look: CellLook
  /** The label of the position that is shown elsewhere on the screen. */
  chosen?: string | undefined
  /** Called for a click or Enter on a position. */
  onChoose: (cell: Cell) => void
  /** True if only free positions can be chosen. */
  isPicker?: boolean
  /** Moves a container to a free position. Without it, nothing can be moved. */
  onMove?: ((content: Content, target: Cell) => void) | undefined
  /** The container that the next chosen free position receives. */
  moving?: Content | undefined
  onMovingChange?: (content: Content | undefined) => void
  /** Buttons for the selected positions, if there are several. */
  rangeActions?: (cells: Cell[]) => ReactNode
}

/**
 * PositionGrid shows the positions of a container. Arrow keys move the focus, Shift extends the selection, Enter chooses.
 * A container moves by dragging, or with Ctrl+X and Enter on a free position.
 */
export function PositionGrid({
  label,
  shape,
  cells,
  look,
  chosen,
  onChoose,
  isPicker = false,
  onMove,
  moving,
  onMovingChange,
  rangeActions,
}: Props) {
  const gridRef = useRef<HTMLDivElement>(null)
  const [selection, setSelection] = useState(() => startPosition(cells, chosen))
  const { active } = selection
  const isMoving = moving !== undefined
  useEffect(() => {
    const grid = gridRef.current
    if (isMoving && !grid?.contains(document.activeElement)) grid?.querySelector<HTMLElement>('[tabindex="0"]')?.focus()
  }, [isMoving])
  useCellDrag(gridRef, cells, onMove)
  const bounds = { rows: cells, columnCount: shape.columns }
  const range = selectedRange(selection)
  const select = (position: CellPosition, isExtended: boolean) =>
    setSelection({ active: position, rangeEnd: isExtended ? selection.rangeEnd : position })
  const act = ({ row, column }: CellPosition) => {
    const cell = cells[row]?.[column]
    if (!cell || (isPicker && cell.state !== 'free')) return
    if (moving && onMove && cell.state === 'free') onMove(moving, cell)
    else onChoose(cell)
  }
  const handleKeyDown = (event: KeyboardEvent) => {
    const { key, shiftKey, altKey } = event
    const isControl = event.ctrlKey || event.metaKey
    if (altKey) return
    const target = keyTarget(bounds, active, { key, isControl })
    if (target) {
      select(target, shiftKey)
      gridRef.current?.querySelector<HTMLElement>(cellSelector(target))?.focus()
    } else if (key === 'Enter' || key === ' ') act(active)
    else if (key === 'Escape' && (moving || range.top !== range.bottom || range.left !== range.right)) {
      onMovingChange?.(undefined)
      select(active, false)
    } else if (isControl && key === 'x' && onMove) onMovingChange?.(cells[active.row]?.[active.column]?.content)
    else return
    event.preventDefault()
    event.stopPropagation()
  }
  const handleClick = ({ target, shiftKey }: MouseEvent) => {
    const { row, column } = (target as Element).closest<HTMLElement>('[role=gridcell]')?.dataset ?? {}
    if (row === undefined) return
    const position = { row: Number(row), column: Number(column) }
    select(position, shiftKey)
    if (!shiftKey) act(position)
  }
  const isRange = range.top !== range.bottom || range.left !== range.right
  const selected = isRange
    ? cells.slice(range.top, range.bottom + 1).flatMap((row) => row.slice(range.left, range.right + 1))
    : []
  return (
    <div>
      <div className={classes.scroller}>
        {/* oxlint-disable-next-line jsx-a11y/interactive-supports-focus -- its cells have the focus */}
        <div
          ref={gridRef}
          role="grid"
          aria-label={label}
          aria-multiselectable
          className={classes.grid}
          data-detailed={look.isDetailed || undefined}
          data-moving={isMoving || undefined}
          style={{ '--column-count': shape.columns } as CSSProperties}
          onKeyDown={handleKeyDown}
          onClick={handleClick}
        >
          {shape.scheme !== '1' && <Head shape={shape} />}
          {cells.map((row, index) => {
            const isSelected = isRange && index >= range.top && index <= range.bottom
            return (
              <PositionRow
                key={index}
                name={rowLabel(shape, index + 1)}
                cells={row}
                look={look}
                activeColumn={index === active.row ? active.column : undefined}
                rangeLeft={isSelected ? range.left : undefined}
                rangeRight={isSelected ? range.right : undefined}
                chosen={row.some(({ label }) => label === chosen) ? chosen : undefined}
                movingUuid={row.some(({ content }) => content && content === moving) ? moving?.uuid : undefined}
                isPicker={isPicker}
              />
            )
          })}
        </div>
      </div>
      {isRange && (
        <div className={classes.range} role="status">
          {summarizeRange(selected)} {rangeActions?.(selected)}
        </div>
      )}
    </div>
  )
}

const cellSelector = ({ row, column }: CellPosition) => `[data-row="${row}"][data-column="${column}"]`

/** startPosition returns the chosen position, or the first one. */
function startPosition(cells: Cell[][], chosen: string | undefined): { active: CellPosition; rangeEnd: CellPosition } {
  const cell = cells.flat().find(({ label }) => label === chosen)
  const active = cell ? { row: cell.row - 1, column: cell.column - 1 } : { row: 0, column: 0 }
  return { active, rangeEnd: active }
}

function Head({ shape }: { shape: GridShape }) {
  return (
    <div role="row" className={classes.row}>
      <div role="columnheader" className={classes.corner}>
        <VisuallyHidden>Row</VisuallyHidden>
      </div>
      {Array.from({ length: shape.columns }, (_, i) => (
        <div key={i} role="columnheader" className={classes.head}>
          {columnLabel(shape, i + 1)}
        </div>
      ))}
    </div>
  )
}

interface RowProps {
  name: string
  cells: Cell[]
  look: CellLook
  activeColumn: number | undefined
  rangeLeft: CellRange['left'] | undefined
  rangeRight: CellRange['right'] | undefined
  chosen: string | undefined
  movingUuid: string | undefined
  isPicker: boolean
}

/** PositionRow is memoized, so that a key renders only the rows that it concerns. */
const PositionRow = memo(function PositionRow({
  name,
  cells,
  look,
  activeColumn,
  rangeLeft = Infinity,
  rangeRight = -1,
  chosen,
  movingUuid,
  isPicker,
}: RowProps) {
  return (
    <div role="row" className={classes.row}>
      <div role="rowheader" className={classes.margin}>
        {name}
      </div>
      {cells.map((cell, column) => (
        <PositionCell
          key={cell.label}
          cell={cell}
          look={look}
          isActive={column === activeColumn}
          isSelected={column >= rangeLeft && column <= rangeRight}
          isChosen={chosen !== undefined && cell.label === chosen}
          isMoving={movingUuid !== undefined && cell.content?.uuid === movingUuid}
          isDisabled={cell.state === 'blocked' || (isPicker && cell.state !== 'free')}
        />
      ))}
    </div>
  )
})
