import { type FormatField, formatValue } from '../components/formatValue'
import { usePersonName } from '../people/PersonName'
import { type Alert, alertStateLabel, outcomes } from './api'

const timeFormat = new Intl.DateTimeFormat(undefined, { dateStyle: 'medium', timeStyle: 'short' })

/** useFormatAlertField returns a function that formats the fields of an alert in histories and conflicts. */
export function useFormatAlertField(): FormatField {
  const personName = usePersonName()
  return (field, value) => {
    if (typeof value !== 'string' || value === '') return formatValue(value)
    if (field === 'state') return alertStateLabel(value as Alert['state'])
    if (field === 'disposition') return outcomes.find((outcome) => outcome.value === value)?.label ?? value
    if (field === 'assignee') return personName(value)
    if (field === 'snoozed_until') return timeFormat.format(new Date(value))
    return value
  }
}
