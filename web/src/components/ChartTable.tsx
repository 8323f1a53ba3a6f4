import { memo } from 'react'

import classes from './Chart.module.css'
import type { Series } from './chartPalette'

interface Props {
  timestamps: number[]
  series: Series[]
  formatTimestamp: (timestamp: number) => string
}

const maxRows = 60

/** ChartTable lists the values of a chart, newest first, because screen readers cannot read a canvas. */
export const ChartTable = memo(function ChartTable({ timestamps, series, formatTimestamp }: Props) {
  const rows = timestamps.map((_, i) => timestamps.length - 1 - i).slice(0, maxRows)
  return (
    <details>
      <summary className={classes.summary}>Show as table</summary>
      <table className={classes.valuesTable}>
        {timestamps.length > maxRows && (
          <caption>
            Newest {maxRows} of {timestamps.length}
          </caption>
        )}
        <thead>
          <tr>
            <th scope="col">Time</th>
            {series.map(({ label }) => (
              <th scope="col" key={label}>
                {label}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {rows.map((i) => (
            <tr key={i}>
              <th scope="row">{formatTimestamp(timestamps[i] ?? 0)}</th>
              {series.map(({ label, values }) => (
                <td key={label}>{values[i] ?? '–'}</td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </details>
  )
})
