const format = new Intl.DateTimeFormat(undefined, { dateStyle: 'medium', timeStyle: 'medium' })

/** formatUnixTime formats Unix seconds. Times of events may exceed the range of Date. */
export function formatUnixTime(timestamp: number): string {
  const date = new Date(timestamp * 1000)
  return Number.isNaN(date.getTime()) ? String(timestamp) : format.format(date)
}
