import type { paths } from '../api/schema'
import type { Role } from '../session/api'

// What can be imported, and the fields of each. A line with a key is stored over the row that has it; one without is new.

type Post<P extends keyof paths> = paths[P] extends { post: { requestBody: { content: { 'application/json': infer Body } } } } ? Body : never
type Fields<P extends keyof paths> = Record<keyof Extract<Post<P>, readonly unknown[]>[number] & string, string>

export interface Kind {
  name: string
  label: string
  role: Role
  /** What people call the fields. */
  fields: Record<string, string>
  /** Fields that no row can do without. */
  needed: string[]
}

/** keys name the row and its version: a file may leave them out. */
const keys = ['id', 'uuid', 'version']

export const kinds: Kind[] = [
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
    } satisfies Fields<'/api/v1/sites'>,
    needed: ['name'],
  },
  {
    name: 'freezers',
    label: 'Freezers',
    role: 'operator',
    fields: { name: 'Name', site_id: 'Site', id: 'Number', version: 'Version' } satisfies Fields<'/api/v1/freezers'>,
    needed: ['name', 'site_id'],
  },
  {
    name: 'computers',
    label: 'Computers',
    role: 'operator',
    fields: { name: 'Name', mac: 'Hardware address', site_id: 'Site', id: 'Number', version: 'Version' } satisfies Fields<'/api/v1/computers'>,
    needed: ['name', 'site_id'],
  },
  {
    name: 'containers',
    label: 'Containers',
    role: 'operator',
    fields: { description: 'Description', freezer_id: 'Freezer', uuid: 'Label (UUID)', id: 'Number', version: 'Version' } satisfies Fields<'/api/v1/containers'>,
    needed: ['freezer_id'],
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
    } satisfies Fields<'/api/v1/todos'>,
    needed: ['description', 'status'],
  },
  {
    name: 'users',
    label: 'Users',
    role: 'admin',
    fields: { username: 'Username', country: 'Country', risk: 'Risk level', role: 'Role', disabled: 'Disabled', id: 'Number', version: 'Version' } satisfies Fields<'/api/v1/users'>,
    needed: ['username', 'role', 'disabled'],
  },
]

const plain = (name: string) => name.toLowerCase().replaceAll(/[^\p{L}\p{N}]/gu, '')

/** guess finds the field of each column by its name; undefined is a column that is left out. */
export function guess(header: string[], { fields }: Kind): (string | undefined)[] {
  const free = new Map(Object.entries(fields))
  return header.map((column) => {
    const wanted = plain(column)
    const found = [...free].find(([name, label]) => [name, label, name.replace(/_id$/, '')].some((one) => plain(one) === wanted))?.[0]
    if (found) free.delete(found)
    return found
  })
}

/** missing are the fields that no column is: those that cannot be, and those that will be empty. */
export function missing(columns: (string | undefined)[], { fields, needed }: Kind): { needed: string[]; blank: string[] } {
  const absent = Object.keys(fields).filter((name) => !columns.includes(name) && !keys.includes(name))
  return { needed: absent.filter((name) => needed.includes(name)), blank: absent.filter((name) => !needed.includes(name)) }
}
