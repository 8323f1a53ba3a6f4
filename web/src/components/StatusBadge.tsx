import type { ReactNode } from 'react'

import classes from './StatusBadge.module.css'

/** Tone is the meaning of a colour. */
export type Tone = 'critical' | 'warning' | 'fine' | 'info' | 'inactive'

interface Props {
  tone: Tone
  title?: string
  children: ReactNode
}

/** StatusBadge is a short state or number, in the colour of its meaning. */
export function StatusBadge({ tone, title, children }: Props) {
  return (
    <span className={classes.badge} data-tone={tone} title={title}>
      {children}
    </span>
  )
}
