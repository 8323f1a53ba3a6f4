import { useMemo } from 'react'

import { Chart, type Series } from '../components/Chart'
import type { Event } from './api'
import { balances, perMinute } from './chartData'

interface Props {
  /** The newest first. */
  events: Event[]
  /** True: all are of one user. */
  ofOne: boolean
  /** True: there are older ones, which are not in it. */
  more: boolean
}

/** EventChart shows what a user's balance came to, or how many events arrive. */
export function EventChart({ events, ofOne, more }: Props) {
  const { at, lines } = useMemo(() => (ofOne ? balances(events) : perMinute(events)), [events, ofOne])
  const series = useMemo((): Series[] => {
    const [first = [], second = []] = lines
    return ofOne
      ? [
          { label: 'Balance', colour: 'main', shape: 'line', values: first },
          { label: 'Amount', colour: 'more', shape: 'dots', values: second },
        ]
      : [
          { label: 'Events', colour: 'main', shape: 'bars', values: first },
          { label: 'With an alert', colour: 'more', shape: 'dots', values: second, drawn: second.map((count) => count || null) },
        ]
  }, [lines, ofOne])
  const label = ofOne ? (more ? 'Balance since the oldest event shown' : 'Balance') : 'Events a minute'
  return <Chart label={label} at={at} series={series} told={told} {...(!ofOne && { step: 60 })} />
}

const moment = new Intl.DateTimeFormat(undefined, { dateStyle: 'medium', timeStyle: 'medium' })

function told(at: number): string {
  const date = new Date(at * 1000)
  return Number.isNaN(date.getTime()) ? String(at) : moment.format(date)
}
