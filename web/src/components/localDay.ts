import dayjs from 'dayjs'

// Days are in the time zone of the browser, and written as in the API: 2026-11-28.

/** localDay returns today, or the day some months and days later. A month after January 31 is the end of February. */
export const localDay = ({ days = 0, months = 0 } = {}, now = new Date()): string =>
  dayjs(now).add(months, 'month').add(days, 'day').format('YYYY-MM-DD')

/** daysUntil returns the days from today to a day, negative if it is past. */
export const daysUntil = (day: string, now = new Date()): number => dayjs(day).diff(dayjs(now).startOf('day'), 'day')
