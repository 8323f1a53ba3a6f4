import classes from './Chart.module.css'
import { type ChartColors, type Series, seriesMarkers } from './chartPalette'

/** ChartCursor is the point of a chart that the pointer is nearest to. */
export interface ChartCursor {
  index: number
  /** Position in px from the left of the plot. */
  left: number
  /** The tooltip is on the left, because the right has too little space. */
  isFlipped: boolean
}

interface Props {
  cursor: ChartCursor
  time: string
  series: Series[]
  colors: ChartColors
  decimals: number
  /** What a click does. */
  hint: string | undefined
}

/** ChartTooltip shows the time and the values at the cursor, and a line at the point. */
export function ChartTooltip({ cursor, time, series, colors, decimals, hint }: Props) {
  const { index, left, isFlipped } = cursor
  const format = new Intl.NumberFormat('en', { minimumFractionDigits: decimals, maximumFractionDigits: decimals })
  return (
    <>
      <div className={classes.cursorLine} style={{ left }} />
      <div className={classes.tooltip} data-flipped={isFlipped || undefined} style={{ left }}>
        <div className={classes.tooltipTime}>{time}</div>
        {series.map(({ label, shape, color, values }) => {
          const value = values[index]
          if (value == null) return null
          return (
            <div key={label} className={classes.tooltipRow}>
              <span style={{ color: colors[color] }}>{seriesMarkers[shape]}</span>
              <span>{label}</span>
              <b>{format.format(value)}</b>
            </div>
          )
        })}
        {hint && <div className={classes.tooltipHint}>{hint}</div>}
      </div>
    </>
  )
}
