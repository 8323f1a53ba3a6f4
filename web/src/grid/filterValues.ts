import type { ColumnType, Option } from './types'

// Values of filters, as the API expects them and as users see them.

const dayFormat = new Intl.DateTimeFormat(undefined, { dateStyle: 'medium', timeZone: 'UTC' })
const timeFormat = new Intl.DateTimeFormat(undefined, { dateStyle: 'medium', timeStyle: 'short' })

/** formatFilterValue formats a value for display. */
export function formatFilterValue(type: ColumnType, value: string, options: readonly Option[]): string {
  if (type === 'date') return formatDate(dayFormat, new Date(`${value}T00:00:00Z`), value)
  if (type === 'time') return formatDate(timeFormat, new Date(value), value)
  if (type === 'unixTime') return formatDate(timeFormat, new Date(Number(value) * 1000), value)
  if (type === 'choice' || type === 'boolean' || type === 'codes')
    return value
      .split(',')
      .map((part) => options.find((option) => option.value === part)?.label ?? part)
      .join(' or ')
  return value
}

function formatDate(format: Intl.DateTimeFormat, date: Date, value: string): string {
  return Number.isNaN(date.getTime()) ? value : format.format(date)
}
