import type { Series } from '../components/chartPalette'
import type { Replay } from './api'

/**
 * dailySeries returns the bars of the chart. New alerts are stacked on unchanged ones; removed alerts are shown below
 * zero.
 */
export function dailySeries({ by_day }: Pick<Replay, 'by_day'>): { timestamps: number[]; series: Series[] } {
  const countsBy = (name: 'added' | 'removed' | 'unchanged') => by_day.map((count) => count[name])
  return {
    timestamps: by_day.map(({ day }) => day),
    series: [
      {
        label: 'New',
        color: 'secondary',
        shape: 'bars',
        values: countsBy('added'),
        plottedValues: by_day.map(({ added, unchanged }) => added + unchanged),
      },
      { label: 'Unchanged', color: 'muted', shape: 'bars', values: countsBy('unchanged') },
      {
        label: 'Removed',
        color: 'tertiary',
        shape: 'bars',
        values: countsBy('removed'),
        plottedValues: by_day.map(({ removed }) => -removed),
      },
    ],
  }
}
