const secondsPerDay = 86_400
const secondsPerYear = 365 * secondsPerDay

/**
 * formatAxisTicks returns the labels of axis ticks with a precision that fits their spacing in seconds. A second line
 * shows the day or year where it changes.
 */
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
