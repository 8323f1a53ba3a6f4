import type { StocktakeTotals } from './api'
import classes from './ResultFilter.module.css'
import { resultLabel, results, resultTone } from './results'

interface Props {
  stocktake: StocktakeTotals
  /** The result that is shown, or '' for all. */
  value: string
  onChange: (result: string) => void
}

/** ResultFilter shows the number of items of each result, and chooses which are listed. */
export function ResultFilter({ stocktake, value, onChange }: Props) {
  const isOpen = stocktake.closed_at === null
  const shown = results.filter(({ value: result }) => stocktake[result] > 0 || result === value)
  return (
    <div className={classes.tiles} role="group" aria-label="Results">
      <Tile label="All" count={stocktake.items} isChosen={value === ''} onClick={() => onChange('')} />
      {shown.map(({ value: result }) => (
        <Tile
          key={result}
          label={resultLabel(result, isOpen)}
          tone={resultTone(result, isOpen)}
          count={stocktake[result]}
          isChosen={value === result}
          onClick={() => onChange(value === result ? '' : result)}
        />
      ))}
    </div>
  )
}

interface TileProps {
  label: string
  tone?: string
  count: number
  isChosen: boolean
  onClick: () => void
}

function Tile({ label, tone, count, isChosen, onClick }: TileProps) {
  return (
    <button type="button" className={classes.tile} data-tone={tone} aria-pressed={isChosen} onClick={onClick}>
      <span className={classes.count}>{count.toLocaleString('en')}</span> {label}
    </button>
  )
}
