import dayjs, { type ManipulateType } from 'dayjs'

export const asOfPresets: readonly { label: string; unit: ManipulateType }[] = [
  { label: '1 hour ago', unit: 'hour' },
  { label: '1 day ago', unit: 'day' },
  { label: '1 week ago', unit: 'week' },
  { label: '1 month ago', unit: 'month' },
]

/** formatAsOf writes a time for the URL, in whole seconds. */
export const formatAsOf = (time: Date): string => `${time.toISOString().slice(0, 19)}Z`

/** presetTime returns the time of a preset for the URL. */
export const presetTime = (unit: ManipulateType, now = new Date()): string =>
  formatAsOf(dayjs(now).subtract(1, unit).toDate())
