import type { Category } from './colours'
import classes from './Legend.module.css'
import gridClasses from './PositionGrid.module.css'
import type { CellState } from './positions'

const states: { state: CellState; sign: string; label: string }[] = [
  { state: 'free', sign: '', label: 'Free' },
  { state: 'reserved', sign: '', label: 'Checked out' },
  { state: 'missing', sign: '?', label: 'Missing' },
  { state: 'blocked', sign: '×', label: 'Blocked' },
]

const levels = ['empty', 'up to a quarter', 'up to half', 'up to three quarters', 'nearly full', 'full']

interface Props {
  /** The categories of the colours, or undefined if they show how full containers are. */
  categories: Category[] | undefined
  /** The states that occur. */
  shown: ReadonlySet<CellState>
}

/** Legend explains the colours and signs of the positions that are shown. */
export function Legend({ categories, shown }: Props) {
  return (
    <ul className={classes.legend} aria-label="Legend">
      {categories?.map(({ colour, code, label, count }) => (
        <li key={label}>
          <span className={`${gridClasses.cell} ${classes.swatch}`} data-state="stored" data-colour={colour} aria-hidden>
            {code}
          </span>
          {label} ({count.toLocaleString('en')})
        </li>
      ))}
      {!categories &&
        levels.map((label, level) => (
          <li key={label}>
            <span
              className={`${gridClasses.cell} ${gridClasses.level} ${classes.swatch}`}
              data-state="stored"
              data-level={level}
              aria-hidden
            />
            {label}
          </li>
        ))}
      {states
        .filter(({ state }) => shown.has(state))
        .map(({ state, sign, label }) => (
          <li key={state}>
            <span className={`${gridClasses.cell} ${classes.swatch}`} data-state={state} aria-hidden>
              {sign}
            </span>
            {label}
          </li>
        ))}
    </ul>
  )
}
