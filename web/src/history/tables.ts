// What people call tables and columns, and where rows have their screens.

/** historyTables are those with a history, as the filter offers them; accounts are for admins. */
export const historyTables: { value: string; label: string; path?: string; admin?: boolean }[] = [
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

/** describeRow is a row as a sentence calls it: "site 3". */
export function describeRow(table: string, key: string): string {
  return `${(historyTables.find(({ value }) => value === table)?.label ?? humanize(table)).toLowerCase()} ${key}`
}

/** humanize makes a column's name readable: postcode_or_zip → Postcode or zip. */
export function humanize(name: string): string {
  const text = name.replaceAll('_', ' ')
  return text.charAt(0).toUpperCase() + text.slice(1)
}

/** rowPath is the screen of a row, when one of the paths is its: /sites/$id. */
export function rowPath(table: string, key: string, paths: string[]): string | undefined {
  const pathSegment = historyTables.find(({ value }) => value === table)?.path
  if (!pathSegment) return undefined
  const pathTemplate = paths.find((path) => path.startsWith(`/${pathSegment}/$`) && path.split('/').length === 3)
  return pathTemplate && `/${pathSegment}/${encodeURIComponent(key)}`
}
