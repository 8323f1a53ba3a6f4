import type { ReactNode } from 'react'

import classes from './DetailColumns.module.css'

interface Props {
  facts: ReactNode
  /** True puts the facts below what belongs to the item, which takes the whole width. */
  isStacked?: boolean
  children: ReactNode
}

/** DetailColumns is the body of a detail page: the facts of an item beside what belongs to it, or above on a phone. */
export function DetailColumns({ facts, isStacked = false, children }: Props) {
  return (
    <div className={classes.columns} data-stacked={isStacked || undefined}>
      <div className={classes.facts}>{facts}</div>
      <div className={classes.main}>{children}</div>
    </div>
  )
}
