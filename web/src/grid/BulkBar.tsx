import { Button, Text } from '@mantine/core'
import type { ReactNode } from 'react'

import classes from './DataGrid.module.css'

interface Props {
  label: string
  count: number
  onClear: () => void
  /** Buttons that act on the selected rows. */
  children: ReactNode
}

/** BulkBar stays at the lower edge of the window while rows are selected, so that no row moves under the pointer. */
export function BulkBar({ label, count, onClear, children }: Props) {
  return (
    <div role="region" aria-label={label} className={classes.bulkBar}>
      <Text size="sm" fw={600} role="status">
        {count} selected
      </Text>
      {children}
      <Button variant="default" size="sm" ml="auto" onClick={onClear}>
        Clear selection
      </Button>
    </div>
  )
}
