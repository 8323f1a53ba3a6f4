const day = 86_400
const date = new Intl.DateTimeFormat(undefined, { dateStyle: 'medium' })
const minutes = new Intl.DateTimeFormat(undefined, { timeStyle: 'short' })
const seconds = new Intl.DateTimeFormat(undefined, { timeStyle: 'medium' })

/** marks are what stands at an axis of times, apart seconds from each other: clocks and dates as elsewhere, a date where it is another one. */
export function marks(at: number[], apart: number): string[] {
  const clock = apart < 60 ? seconds : minutes
  let before = ''
  return at.map((one) => {
    const moment = new Date(one * 1000)
    const today = date.format(moment)
    if (apart >= day) return today
    const told = today === before ? clock.format(moment) : `${clock.format(moment)}\n${today}`
    before = today
    return told
  })
}
