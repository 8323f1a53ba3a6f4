const dayFormat = new Intl.DateTimeFormat(undefined, { day: 'numeric', month: 'short', timeZone: 'UTC' })
const dayAndYearFormat = new Intl.DateTimeFormat(undefined, { dateStyle: 'medium', timeZone: 'UTC' })

/** formatDay formats a day such as 2026-11-28. It leaves out the current year. */
function formatDay(day: string): string {
  const date = new Date(`${day}T00:00:00Z`)
  if (Number.isNaN(date.getTime())) return day
  return (date.getUTCFullYear() === new Date().getFullYear() ? dayFormat : dayAndYearFormat).format(date)
}

/** Day shows a day of the API, such as 2026-11-28. */
export const Day = ({ day }: { day: string }) => <time dateTime={day}>{formatDay(day)}</time>
