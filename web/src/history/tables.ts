// What people call tables and columns, and where rows have their screens.

/** tables are those with a history, as the filter offers them; accounts are for admins. */
export const tables: { value: string; label: string; path?: string; admin?: boolean }[] = [
  { value: 'site', label: 'Site', path: 'sites' },
  { value: 'freezer', label: 'Freezer', path: 'freezers' },
  { value: 'computer', label: 'Computer', path: 'computers' },
  { value: 'container', label: 'Container', path: 'containers' },
  { value: 'rule', label: 'Rule', path: 'rules' },
  { value: 'todo', label: 'Todo', path: 'todos' },
  { value: 'attachment', label: 'File' },
  { value: 'account', label: 'Account', path: 'users', admin: true },
  { value: 'credential', label: 'Credential', admin: true },
]

/** rowName is a row as a sentence calls it: "site 3". */
export function rowName(table: string, key: string): string {
  return `${(tables.find(({ value }) => value === table)?.label ?? words(table)).toLowerCase()} ${key}`
}

/** words makes a column's name readable: postcode_or_zip → Postcode or zip. */
export function words(name: string): string {
  const text = name.replaceAll('_', ' ')
  return text.charAt(0).toUpperCase() + text.slice(1)
}

/** rowPath is the screen of a row, when one of the paths is its: /sites/$id. */
export function rowPath(table: string, key: string, paths: string[]): string | undefined {
  const folder = tables.find(({ value }) => value === table)?.path
  if (!folder) return undefined
  const template = paths.find((path) => path.startsWith(`/${folder}/$`) && path.split('/').length === 3)
  return template && `/${folder}/${encodeURIComponent(key)}`
}
