// Display names of tables and columns, and the paths of their screens.

/** historyTables lists the tables with a history as filter options. Only admins see accounts, passwords, links and views. */
export const historyTables: { value: string; label: string; path?: string; admin?: boolean }[] = [
  { value: 'site', label: 'Site', path: 'sites' },
  { value: 'freezer', label: 'Freezer', path: 'freezers' },
  { value: 'computer', label: 'Computer', path: 'computers' },
  { value: 'container', label: 'Container', path: 'containers' },
  { value: 'checkout', label: 'Check-out' },
  { value: 'stocktake', label: 'Stock-take', path: 'stocktakes' },
  { value: 'stocktake_item', label: 'Stock-take item' },
  { value: 'rule', label: 'Rule', path: 'rules' },
  { value: 'todo', label: 'Todo', path: 'todos' },
  { value: 'attachment', label: 'Attachment' },
  { value: 'account', label: 'User', path: 'users', admin: true },
  { value: 'credential', label: 'Password', admin: true },
  { value: 'password_link', label: 'Password link', admin: true },
  { value: 'view', label: 'View', admin: true },
]

/** tableNoun returns the name of the rows of a table in a sentence: "user" for account. */
export function tableNoun(table: string): string {
  return (historyTables.find(({ value }) => value === table)?.label ?? humanize(table)).toLowerCase()
}

/** tableOf is the inverse of tableNoun, or undefined. */
export function tableOf(noun: string): string | undefined {
  return historyTables.find(({ label }) => label.toLowerCase() === noun)?.value
}

/** humanize turns a column name into a label: created_at → Created at, site_id → Site ID. */
export function humanize(name: string): string {
  const text = name.replaceAll('_', ' ').replace(/\bid\b/, 'ID')
  return text.charAt(0).toUpperCase() + text.slice(1)
}

/** rowPath returns the path of the screen of a row, if paths contains its route, such as /sites/$id. */
export function rowPath(table: string, key: string, paths: string[]): string | undefined {
  const pathSegment = historyTables.find(({ value }) => value === table)?.path
  if (!pathSegment) return undefined
  const pathTemplate = paths.find((path) => path.startsWith(`/${pathSegment}/$`) && path.split('/').length === 3)
  return pathTemplate && `/${pathSegment}/${encodeURIComponent(key)}`
}
