import classes from './OccupancyBar.module.css'

interface Props {
  taken: number
  positions: number
  /** True if the bar compares numbers, so that the longest one does not mean full. */
  isComparison?: boolean
}

/** OccupancyBar shows how full something is, beside a text that says so. A full one has another colour. */
export function OccupancyBar({ taken, positions, isComparison = false }: Props) {
  const share = positions > 0 ? Math.min(1, taken / positions) : 0
  return (
    <span className={classes.bar} data-full={(share === 1 && !isComparison) || undefined} aria-hidden>
      <span style={{ width: `${share * 100}%` }} />
    </span>
  )
}
