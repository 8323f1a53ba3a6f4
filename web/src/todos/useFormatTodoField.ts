import { type FormatField, formatValue } from '../components/formatValue'
import { useComputerNames } from '../computers/ComputerLink'
import { useFreezerNames } from '../freezers/FreezerLink'
import { usePersonName } from '../people/PersonName'
import { useSiteNames } from '../sites/SiteLink'
import { statusLabel } from './api'

/** useFormatTodoField returns a function that formats the fields of a todo in histories and conflicts. */
export function useFormatTodoField(): FormatField {
  const personName = usePersonName()
  const getNames: Record<string, (id: number) => string> = {
    site_id: useSiteNames(),
    freezer_id: useFreezerNames(),
    computer_id: useComputerNames(),
  }
  return (field, value) => {
    if (field === 'status' && typeof value === 'string') return statusLabel(value)
    if (field === 'assignee' && typeof value === 'string') return personName(value)
    return (typeof value === 'number' && getNames[field]?.(value)) || formatValue(value)
  }
}
