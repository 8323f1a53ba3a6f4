import { Anchor, Button, Text } from '@mantine/core'
import { useState } from 'react'

import type { LocatedError } from './cellErrors'
import type { EditableColumn } from './columns'
import classes from './EditableGrid.module.css'
import type { CellPosition } from './selection'

const shownCount = 10

interface Props {
  errors: readonly LocatedError[]
  columns: readonly EditableColumn[]
  onSelect: (position: CellPosition) => void
}

/** CellErrorList lists the errors of a grid. Each one leads to its cell. */
export function CellErrorList({ errors, columns, onSelect }: Props) {
  const [isExpanded, setIsExpanded] = useState(false)
  if (errors.length === 0) return null
  const shown = isExpanded ? errors : errors.slice(0, shownCount)
  return (
    <section aria-label="Errors" className={classes.errors}>
      <Text fw={600} size="sm">
        {errors.length === 1 ? '1 error' : `${errors.length.toLocaleString('en')} errors`}
      </Text>
      <ul>
        {shown.map(({ error, position }, i) => (
          <li key={i}>
            <Anchor component="button" type="button" size="sm" underline="always" onClick={() => onSelect(position)}>
              Row {position.row + 1}
              {error.column !== undefined && `, ${columns[error.column]?.header}`}
            </Anchor>{' '}
            <Text span size="sm">
              {error.message}
            </Text>
          </li>
        ))}
      </ul>
      {errors.length > shown.length && (
        <Button variant="subtle" onClick={() => setIsExpanded(true)}>
          Show all errors
        </Button>
      )}
    </section>
  )
}
