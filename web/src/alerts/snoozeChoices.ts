/** snoozeChoices returns the usual ends of a snooze. Mornings are at 8. */
export function snoozeChoices(now: Date): { label: string; until: Date }[] {
  const inHours = (hours: number) => new Date(now.getTime() + hours * 3_600_000)
  const morning = (days: number) => new Date(now.getFullYear(), now.getMonth(), now.getDate() + days, 8)
  const daysToMonday = (8 - now.getDay()) % 7 || 7
  return [
    { label: '1 hour', until: inHours(1) },
    { label: '4 hours', until: inHours(4) },
    { label: 'Tomorrow morning', until: morning(1) },
    { label: 'Monday morning', until: morning(daysToMonday) },
  ]
}
