/** shown is a value as people read it. */
export function shown(value: unknown): string {
  if (value === null || value === undefined || value === '') return '–'
  return typeof value === 'object' ? JSON.stringify(value) : String(value)
}

/** Tell is how the values of a row's fields are read, where some of them are numbers of other things. */
export type Tell = (field: string, value: unknown) => string

/** asShown tells each value as it is. */
export const asShown: Tell = (_, value) => shown(value)

/** named tells one field by a name. */
export function named(name: string, called: (id: number) => string): Tell {
  return (field, value) => (field === name && typeof value === 'number' ? called(value) : shown(value))
}
