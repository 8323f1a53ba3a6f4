import { TextInput } from '@mantine/core'
import { type ClipboardEvent, useId } from 'react'

import type { MoveItem } from './api'
import { pastePositions } from './pastePositions'
import classes from './PositionFields.module.css'

interface Props {
  items: readonly MoveItem[]
  positions: Readonly<Record<string, string>>
  onChange: (positions: Record<string, string>) => void
}

/** PositionFields gives each container a position. A column that is pasted from a spreadsheet fills several fields. */
export function PositionFields({ items, positions, onChange }: Props) {
  const id = useId()
  const paste = (event: ClipboardEvent, first: number) => {
    const pasted = pastePositions(event.clipboardData.getData('text/plain'), items.slice(first))
    if (!pasted) return
    event.preventDefault()
    onChange({ ...positions, ...pasted })
  }
  return (
    <div className={classes.fields} role="group" aria-label="Positions">
      {items.flatMap(({ uuid, title }, i) => [
        <label key={uuid} htmlFor={`${id}-${i}`} title={title}>
          {title}
        </label>,
        <TextInput
          key={`field ${uuid}`}
          id={`${id}-${i}`}
          placeholder="Next free"
          autoComplete="off"
          spellCheck={false}
          value={positions[uuid] ?? ''}
          onChange={({ currentTarget: { value } }) => onChange({ ...positions, [uuid]: value })}
          onPaste={(event) => paste(event, i)}
        />,
      ])}
    </div>
  )
}
