import { Link, type LinkProps } from '@tanstack/react-router'

import classes from './StatTile.module.css'
import { StatusBadge, type Tone } from './StatusBadge'

interface Props {
  label: string
  value: string
  /** The screen with the rows that the value counts. */
  to: NonNullable<LinkProps['to']>
  search?: Record<string, string>
  /** The part of the value that needs attention. */
  badge?: { tone: Tone; text: string } | false
  note?: string
}

/** StatTile shows one number, and leads to the rows that it counts. */
export function StatTile({ label, value, to, search = {}, badge, note }: Props) {
  return (
    <Link to={to} search={search as never} className={classes.tile}>
      <span className={classes.label}>{label}</span>
      <span className={classes.value}>{value}</span>
      <span className={classes.note}>
        {badge && <StatusBadge tone={badge.tone}>{badge.text}</StatusBadge>}
        {note}
      </span>
    </Link>
  )
}
