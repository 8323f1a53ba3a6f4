import type { ReactNode } from 'react'

import classes from './DetailColumns.module.css'

/** DetailColumns is the body of a detail page: the facts of an item beside what belongs to it, or above on a phone. */
export function DetailColumns({ facts, children }: { facts: ReactNode; children: ReactNode }) {
  return (
    <div className={classes.columns}>
      <div className={classes.facts}>{facts}</div>
      <div className={classes.main}>{children}</div>
    </div>
  )
}
