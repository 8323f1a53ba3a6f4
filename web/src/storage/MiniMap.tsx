import { useQuery } from '@tanstack/react-query'

import { useAsOf } from '../asOf/asOf'
import { contentsQuery } from './api'
import classes from './MiniMap.module.css'
import { buildCells, toGridShape } from './positions'

const cellSize = 8 // px
const maxWidth = 180 // px

/** MiniMap shows the grid of a container in small, with one position marked. */
export function MiniMap({ parent, position, name }: { parent: string; position: string; name: string }) {
  const { data } = useQuery(contentsQuery(parent, useAsOf()))
  const shape = data && toGridShape(data)
  if (!shape) return null
  const [width, height] = [shape.columns * cellSize, shape.rows * cellSize]
  return (
    <svg
      role="img"
      aria-label={`${position} of ${name}`}
      className={classes.map}
      viewBox={`0 0 ${width} ${height}`}
      width={Math.min(width, maxWidth)}
    >
      {buildCells(shape, data.contents)
        .flat()
        .map(({ row, column, label, state }) => (
          <rect
            key={label}
            data-state={label === position ? 'own' : state === 'free' || state === 'blocked' ? state : 'taken'}
            x={(column - 1) * cellSize + 0.5}
            y={(row - 1) * cellSize + 0.5}
            width={cellSize - 1}
            height={cellSize - 1}
            rx={1}
          />
        ))}
    </svg>
  )
}
