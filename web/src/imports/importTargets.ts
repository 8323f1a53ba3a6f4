import type { paths } from '../api/schema'
import type { Role } from '../session/api'

// Import targets and their fields. A line with a key updates the row with that key; a line without one creates a row.

type PostBody<P extends keyof paths> = paths[P] extends {
  post: { requestBody: { content: { 'application/json': infer Body } } }
}
  ? Body
  : never
type ImportFields<P extends keyof paths> = Record<
  keyof Extract<PostBody<P>, readonly unknown[]>[number] & string,
  string
>

export interface ImportTarget {
  name: string
  label: string
  role: Role
  /** Labels of the fields. */
  fields: Record<string, string>
  /** Names of the fields that new rows need. */
  required: string[]
}

/** keyFields identify the row and its version. */
const keyFields = ['id', 'uuid', 'version']

export const importTargets: ImportTarget[] = [
  {
    name: 'sites',
    label: 'Sites',
    role: 'operator',
    fields: {
      name: 'Name',
      contact: 'Contact',
      address: 'Address',
      state_or_region: 'State or region',
      country: 'Country',
      postcode_or_zip: 'Postcode or ZIP',
      id: 'ID',
      version: 'Version',
    } satisfies ImportFields<'/api/v1/sites'>,
    required: ['name'],
  },
  {
    name: 'freezers',
    label: 'Freezers',
    role: 'operator',
    fields: { name: 'Name', site_id: 'Site', id: 'ID', version: 'Version' } satisfies ImportFields<'/api/v1/freezers'>,
    required: ['name', 'site_id'],
  },
  {
    name: 'computers',
    label: 'Computers',
    role: 'operator',
    fields: {
      name: 'Name',
      mac: 'MAC address',
      site_id: 'Site',
      id: 'ID',
      version: 'Version',
    } satisfies ImportFields<'/api/v1/computers'>,
    required: ['name', 'site_id'],
  },
  {
    name: 'containers',
    label: 'Containers',
    role: 'operator',
    fields: {
      description: 'Description',
      freezer_id: 'Freezer',
      uuid: 'Barcode',
      id: 'ID',
      version: 'Version',
    } satisfies ImportFields<'/api/v1/containers'>,
    required: ['freezer_id'],
  },
  {
    name: 'todos',
    label: 'Todos',
    role: 'operator',
    fields: {
      description: 'Title',
      status: 'Status',
      assignee: 'Assignee',
      due_on: 'Due date',
      site_id: 'Site',
      freezer_id: 'Freezer',
      computer_id: 'Computer',
      alert_id: 'Alert',
      id: 'ID',
      version: 'Version',
    } satisfies ImportFields<'/api/v1/todos'>,
    required: ['description', 'status'],
  },
  {
    name: 'users',
    label: 'Users',
    role: 'admin',
    fields: {
      username: 'Username',
      country: 'Country',
      risk: 'Risk level',
      role: 'Role',
      disabled: 'Disabled',
      id: 'ID',
      version: 'Version',
    } satisfies ImportFields<'/api/v1/users'>,
    required: ['username', 'role', 'disabled'],
  },
]

const normalize = (name: string) => name.toLowerCase().replaceAll(/[^\p{L}\p{N}]/gu, '')

/** guessFields matches columns to fields by name; undefined means no match. */
export function guessFields(header: string[], { fields }: ImportTarget): (string | undefined)[] {
  const unassigned = new Map(Object.entries(fields))
  return header.map((column) => {
    const normalizedColumn = normalize(column)
    const match = [...unassigned].find(([name, label]) =>
      [name, label, name.replace(/_id$/, '')].some((candidate) => normalize(candidate) === normalizedColumn),
    )?.[0]
    if (match) unassigned.delete(match)
    return match
  })
}

/** ColumnSummary says what the columns of a file do to rows. */
interface ColumnSummary {
  /** There is a column of the key, so that rows can exist. */
  hasKey: boolean
  /** Fields without a column. */
  missing: string[]
  /** Fields without a column that new rows need. */
  missingRequired: string[]
  /** Fields with a column whose empty cells clear values. */
  clearable: string[]
}

/** describeColumns summarizes columns without the fields of the key and the version. */
export function describeColumns(
  columns: (string | undefined)[],
  { fields, required }: ImportTarget,
): ColumnSummary {
  const names = Object.keys(fields).filter((name) => !keyFields.includes(name))
  const missing = names.filter((name) => !columns.includes(name))
  return {
    hasKey: columns.includes('uuid' in fields ? 'uuid' : 'id'),
    missing,
    missingRequired: missing.filter((name) => required.includes(name)),
    clearable: names.filter((name) => columns.includes(name) && !required.includes(name)),
  }
}
