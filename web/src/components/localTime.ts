type TimeType = 'time' | 'unixTime'

/**
 * toLocalInput formats a time for a datetime-local input in the local time zone: 2026-11-22T08:30. The time is an RFC
 * 3339 time, or Unix seconds.
 */
export function toLocalInput(type: TimeType, value: string): string {
  const date = type === 'unixTime' ? new Date(Number(value) * 1000) : new Date(value)
  if (value === '' || Number.isNaN(date.getTime())) return ''
  return new Date(date.getTime() - date.getTimezoneOffset() * 60_000).toISOString().slice(0, 16)
}

/** fromLocalInput is the inverse of toLocalInput. */
export function fromLocalInput(type: TimeType, text: string): string {
  const date = new Date(text)
  if (Number.isNaN(date.getTime())) return ''
  return type === 'unixTime' ? String(date.getTime() / 1000) : date.toISOString()
}
