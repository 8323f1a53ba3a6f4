import type { Series } from '../components/Chart'
import type { Replay } from './api'

/** dailySeries are the bars of the chart: what is added stands on what is unchanged, what is removed hangs below zero. */
export function dailySeries({ by_day }: Pick<Replay, 'by_day'>): { timestamps: number[]; series: Series[] } {
  const countsOf = (name: 'added' | 'removed' | 'unchanged') => by_day.map((count) => count[name])
  return {
    timestamps: by_day.map(({ day }) => day),
    series: [
      { label: 'Added', color: 'secondary', shape: 'bars', values: countsOf('added'), plottedValues: by_day.map(({ added, unchanged }) => added + unchanged) },
      { label: 'Unchanged', color: 'muted', shape: 'bars', values: countsOf('unchanged') },
      { label: 'Removed', color: 'tertiary', shape: 'bars', values: countsOf('removed'), plottedValues: by_day.map(({ removed }) => -removed) },
    ],
  }
}
