const day = 86_400
const year = 365 * day

/** moments tells the marks of an axis, which stand so many seconds apart, each as fine as that; where a year or a day begins it is told below. */
export function moments(at: number[], apart: number, timeZone?: 'UTC'): string[] {
  const teller = (options: Intl.DateTimeFormatOptions) => {
    const format = new Intl.DateTimeFormat(undefined, { ...options, ...(timeZone && { timeZone }) })
    return (second: number) => format.format(second * 1000)
  }
  const years = teller({ year: 'numeric' })
  if (apart >= year) return at.map(years)
  const days = teller({ day: 'numeric', month: 'short' })
  const times = teller({ hour: '2-digit', minute: '2-digit', ...(apart < 60 && { second: '2-digit' }) })
  const [fine, coarse] = apart >= day ? [days, years] : [times, days]
  let last = ''
  return at.map((second) => {
    const within = coarse(second)
    const mark = within === last ? fine(second) : `${fine(second)}\n${within}`
    last = within
    return mark
  })
}
