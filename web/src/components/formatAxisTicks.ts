const secondsPerDay = 86_400
const secondsPerYear = 365 * secondsPerDay

/** formatAxisTicks tells the marks of an axis, which stand so many seconds apart, each as fine as that; where a year or a day begins it is told below. */
export function formatAxisTicks(timestamps: number[], spacing: number, timeZone?: 'UTC'): string[] {
  const createFormatter = (options: Intl.DateTimeFormatOptions) => {
    const format = new Intl.DateTimeFormat(undefined, { ...options, ...(timeZone && { timeZone }) })
    return (timestamp: number) => format.format(timestamp * 1000)
  }
  const formatYear = createFormatter({ year: 'numeric' })
  if (spacing >= secondsPerYear) return timestamps.map(formatYear)
  const formatDay = createFormatter({ day: 'numeric', month: 'short' })
  const formatTime = createFormatter({ hour: '2-digit', minute: '2-digit', ...(spacing < 60 && { second: '2-digit' }) })
  const [formatFine, formatCoarse] = spacing >= secondsPerDay ? [formatDay, formatYear] : [formatTime, formatDay]
  let lastCoarseLabel = ''
  return timestamps.map((timestamp) => {
    const coarseLabel = formatCoarse(timestamp)
    const label = coarseLabel === lastCoarseLabel ? formatFine(timestamp) : `${formatFine(timestamp)}\n${coarseLabel}`
    lastCoarseLabel = coarseLabel
    return label
  })
}
