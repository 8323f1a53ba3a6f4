import dayjs from 'dayjs'

import { localDay } from '../components/localDay'

// The period of a list in the URL: period=yesterday, or from and to as days, both inclusive.

export const periods: readonly { value: string | undefined; label: string }[] = [
  { value: undefined, label: 'All' },
  { value: 'today', label: 'Today' },
  { value: 'yesterday', label: 'Yesterday' },
  { value: 'week', label: 'Last 7 days' },
  { value: 'month', label: 'This month' },
]

export interface Period {
  period?: string | undefined
  from?: string | undefined
  to?: string | undefined
}

/** periodDays returns the first and the last day of a period in the time zone of the browser, or '' for no limit. */
export function periodDays({ period, from = '', to = '' }: Period, now = new Date()): { from: string; to: string } {
  const today = localDay({}, now)
  const yesterday = localDay({ days: -1 }, now)
  switch (period) {
    case 'today':
      return { from: today, to: '' }
    case 'yesterday':
      return { from: yesterday, to: yesterday }
    case 'week':
      return { from: localDay({ days: -6 }, now), to: '' }
    case 'month':
      return { from: `${today.slice(0, 8)}01`, to: '' }
  }
  return { from, to }
}

/** periodParams returns the times of a period for the API. Text in the URL that is no day does not filter. */
export function periodParams(period: Period, now = new Date()): { from?: string; to?: string } {
  const { from, to } = periodDays(period, now)
  return {
    ...(isDay(from) && { from: dayjs(from).toISOString() }),
    ...(isDay(to) && { to: dayjs(to).add(1, 'day').toISOString() }),
  }
}

const isDay = (text: string) => dayjs(text).format('YYYY-MM-DD') === text
