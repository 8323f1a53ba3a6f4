import { VisuallyHidden } from '@mantine/core'
import { Fragment } from 'react'

import { containerTitle } from '../containers/api'
import { cellName, contentSize } from './cellName'
import { type Category, fillLevel, percentFull } from './colours'
import { OccupancyBar } from './OccupancyBar'
import classes from './PositionGrid.module.css'
import type { Cell } from './positions'

export interface CellLook {
  /** Cells are large and show names. */
  isDetailed: boolean
  /** The category of a container, or undefined if the colour shows how full it is. */
  categoryOf: ((cell: Cell) => Category | undefined) | undefined
}

interface Props {
  cell: Cell
  look: CellLook
  isActive: boolean
  isSelected: boolean
  isChosen: boolean
  isMoving: boolean
  isDisabled: boolean
}

/** PositionCell is one position of a grid. Its grid handles keys, clicks and drags. */
export function PositionCell({ cell, look, isActive, isSelected, isChosen, isMoving, isDisabled }: Props) {
  const { row, column, state, content } = cell
  const category = look.categoryOf?.(cell)
  const positions = content?.positions ?? 0
  const isLevel = content && !look.categoryOf
  const name = cellName(cell)
  return (
    <div
      role="gridcell"
      tabIndex={isActive ? 0 : -1}
      aria-label={look.isDetailed && content ? undefined : name}
      aria-selected={isSelected}
      aria-disabled={isDisabled || undefined}
      title={name}
      className={`${classes.cell} ${isLevel ? classes.level : ''}`}
      data-row={row - 1}
      data-column={column - 1}
      data-state={state}
      data-uuid={content?.uuid}
      data-colour={category?.colour}
      data-level={isLevel ? (content.positions === null ? 5 : fillLevel(content.containers, positions)) : undefined}
      data-chosen={isChosen || undefined}
      data-moving={isMoving || undefined}
    >
      {look.isDetailed ? <Details cell={cell} /> : cellText(cell, category)}
    </div>
  )
}

/** cellText is the code of a category, the percentage that is taken, or a sign of the state. */
function cellText({ state, content }: Cell, category: Category | undefined): string {
  if (state === 'blocked') return '×'
  if (state === 'missing') return '?'
  if (!content) return ''
  if (category) return category.code
  return content.positions === null ? '•' : String(percentFull(content.containers, content.positions))
}

function Details({ cell: { label, state, content } }: { cell: Cell }) {
  if (!content) return <span className={classes.place}>{`${label}, ${state}`}</span>
  // The order of the accessible name; the name of the container comes first on the screen.
  const parts = [content.type, state === 'reserved' ? 'checked out' : state === 'missing' && 'missing', contentSize(content)]
  return (
    <>
      <span className={classes.place}>{label}</span>
      <VisuallyHidden>, </VisuallyHidden>
      <span className={classes.name}>{containerTitle(content)}</span>
      {parts.filter(Boolean).map((part) => (
        <Fragment key={String(part)}>
          <VisuallyHidden>, </VisuallyHidden>
          <span className={classes.part}>{part}</span>
        </Fragment>
      ))}
      {content.positions !== null && (
        <span className={classes.detailBar}>
          <OccupancyBar taken={content.containers} positions={content.positions} />
        </span>
      )}
    </>
  )
}
