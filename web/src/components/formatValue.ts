/** formatValue is a value as people read it. */
export function formatValue(value: unknown): string {
  if (value === null || value === undefined || value === '') return '–'
  return typeof value === 'object' ? JSON.stringify(value) : String(value)
}

/** FormatField is how the values of a row's fields are read, where some of them are numbers of other things. */
export type FormatField = (field: string, value: unknown) => string

/** formatPlainField tells each value as it is. */
export const formatPlainField: FormatField = (_, value) => formatValue(value)

/** formatIdAsName tells one field by a name. */
export function formatIdAsName(fieldName: string, getName: (id: number) => string): FormatField {
  return (field, value) => (field === fieldName && typeof value === 'number' ? getName(value) : formatValue(value))
}
