/** formatValue formats a value for display; missing values become a dash. */
export function formatValue(value: unknown): string {
  if (value === null || value === undefined || value === '') return '–'
  return typeof value === 'object' ? JSON.stringify(value) : String(value)
}

/** FormatField formats the value of a field. It can replace IDs by names. */
export type FormatField = (field: string, value: unknown) => string

/** formatPlainField formats each value as it is. */
export const formatPlainField: FormatField = (_, value) => formatValue(value)

/** formatIdAsName returns a FormatField that shows one ID field as a name. */
export function formatIdAsName(fieldName: string, getName: (id: number) => string): FormatField {
  return (field, value) => (field === fieldName && typeof value === 'number' ? getName(value) : formatValue(value))
}
