const format = new Intl.DateTimeFormat(undefined, { dateStyle: 'medium', timeStyle: 'short' })

/** formatAsOfTime formats a time in the past: "1 Mar 2026, 14:00". */
export const formatAsOfTime = (asOf: string): string => format.format(new Date(asOf))
