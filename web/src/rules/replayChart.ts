import type { Series } from '../components/Chart'
import type { Replay } from './api'

/** daily are the bars of the chart: what is added stands on what is unchanged, what is removed hangs below zero. */
export function daily({ by_day }: Pick<Replay, 'by_day'>): { at: number[]; series: Series[] } {
  const of = (name: 'added' | 'removed' | 'unchanged') => by_day.map((one) => one[name])
  return {
    at: by_day.map(({ day }) => day),
    series: [
      { label: 'Added', colour: 'more', shape: 'bars', values: of('added'), drawn: by_day.map(({ added, unchanged }) => added + unchanged) },
      { label: 'Unchanged', colour: 'calm', shape: 'bars', values: of('unchanged') },
      { label: 'Removed', colour: 'less', shape: 'bars', values: of('removed'), drawn: by_day.map(({ removed }) => -removed) },
    ],
  }
}
