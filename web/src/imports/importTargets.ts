import type { paths } from '../api/schema'
import type { Role } from '../session/api'

// What can be imported, and the fields of each. A line with a key is stored over the row that has it; one without is new.

type PostBody<P extends keyof paths> = paths[P] extends { post: { requestBody: { content: { 'application/json': infer Body } } } } ? Body : never
type ImportFields<P extends keyof paths> = Record<keyof Extract<PostBody<P>, readonly unknown[]>[number] & string, string>

export interface ImportTarget {
  name: string
  label: string
  role: Role
  /** What people call the fields. */
  fields: Record<string, string>
  /** ImportFields that no row can do without. */
  required: string[]
}

/** keyFields name the row and its version: a file may leave them out. */
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
      id: 'Number',
      version: 'Version',
    } satisfies ImportFields<'/api/v1/sites'>,
    required: ['name'],
  },
  {
    name: 'freezers',
    label: 'Freezers',
    role: 'operator',
    fields: { name: 'Name', site_id: 'Site', id: 'Number', version: 'Version' } satisfies ImportFields<'/api/v1/freezers'>,
    required: ['name', 'site_id'],
  },
  {
    name: 'computers',
    label: 'Computers',
    role: 'operator',
    fields: { name: 'Name', mac: 'Hardware address', site_id: 'Site', id: 'Number', version: 'Version' } satisfies ImportFields<'/api/v1/computers'>,
    required: ['name', 'site_id'],
  },
  {
    name: 'containers',
    label: 'Containers',
    role: 'operator',
    fields: { description: 'Description', freezer_id: 'Freezer', uuid: 'Label (UUID)', id: 'Number', version: 'Version' } satisfies ImportFields<'/api/v1/containers'>,
    required: ['freezer_id'],
  },
  {
    name: 'todos',
    label: 'Todos',
    role: 'operator',
    fields: {
      description: 'Description',
      status: 'Status',
      assignee: 'Assignee',
      due_on: 'Due on',
      site_id: 'Site',
      freezer_id: 'Freezer',
      computer_id: 'Computer',
      alert_id: 'Alert',
      id: 'Number',
      version: 'Version',
    } satisfies ImportFields<'/api/v1/todos'>,
    required: ['description', 'status'],
  },
  {
    name: 'users',
    label: 'Users',
    role: 'admin',
    fields: { username: 'Username', country: 'Country', risk: 'Risk level', role: 'Role', disabled: 'Disabled', id: 'Number', version: 'Version' } satisfies ImportFields<'/api/v1/users'>,
    required: ['username', 'role', 'disabled'],
  },
]

const normalize = (name: string) => name.toLowerCase().replaceAll(/[^\p{L}\p{N}]/gu, '')

/** guessFields finds the field of each column by its name; undefined is a column that is left out. */
export function guessFields(header: string[], { fields }: ImportTarget): (string | undefined)[] {
  const unassigned = new Map(Object.entries(fields))
  return header.map((column) => {
    const normalizedColumn = normalize(column)
    const match = [...unassigned].find(([name, label]) => [name, label, name.replace(/_id$/, '')].some((candidate) => normalize(candidate) === normalizedColumn))?.[0]
    if (match) unassigned.delete(match)
    return match
  })
}

/** missingFields are the fields that no column is: those that cannot be, and those that will be empty. */
export function missingFields(columns: (string | undefined)[], { fields, required }: ImportTarget): { missingRequired: string[]; missingOptional: string[] } {
  const missingNames = Object.keys(fields).filter((name) => !columns.includes(name) && !keyFields.includes(name))
  return { missingRequired: missingNames.filter((name) => required.includes(name)), missingOptional: missingNames.filter((name) => !required.includes(name)) }
}
