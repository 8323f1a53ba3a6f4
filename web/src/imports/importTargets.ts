import type { LinkProps } from '@tanstack/react-router'

import type { paths } from '../api/schema'
import { computerLabels } from '../computers/api'
import { containerLabels } from '../containers/api'
import { freezerLabels } from '../freezers/api'
import type { Role } from '../session/api'
import { siteLabels } from '../sites/api'
import { todoLabels } from '../todos/api'
import { userLabels } from '../users/api'
import type { ReferenceKind } from './candidates'

// Import targets and their fields. A line with a key updates the row with that key; a line without one creates a row.

type PostBody<P extends keyof paths> = paths[P] extends {
  post: { requestBody: { content: { 'application/json': infer Body } } }
}
  ? Body
  : never
type ImportFields<P extends keyof paths> = Record<
  // The names in place of IDs are resolved here, see names.ts.
  Exclude<keyof Extract<PostBody<P>, readonly unknown[]>[number] & string, 'site' | 'freezer' | 'computer'>,
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
  /** The kinds of rows that fields refer to, by name or ID. */
  references: Record<string, ReferenceKind>
  /** A row of the template. */
  example: Record<string, string>
  /** The screen that lists the rows. */
  list: Pick<LinkProps, 'to' | 'search'>
}

/** keyFields identify the row and its version. */
export const keyFields = ['id', 'uuid', 'version']

const keyLabels = { id: 'ID', version: 'Version' }

export const importTargets: ImportTarget[] = [
  {
    name: 'sites',
    label: 'Sites',
    role: 'operator',
    fields: { ...siteLabels, ...keyLabels } satisfies ImportFields<'/api/v1/sites'>,
    required: ['name'],
    references: {},
    example: { name: 'Biobank West', contact: 'Jane Miller', address: '2 Harbour Road', country: 'Norway' },
    list: { to: '/sites' },
  },
  {
    name: 'freezers',
    label: 'Freezers',
    role: 'operator',
    fields: { ...freezerLabels, ...keyLabels } satisfies ImportFields<'/api/v1/freezers'>,
    required: ['name', 'site_id'],
    references: { site_id: 'site' },
    example: { name: 'Minus80-B2', site_id: 'Biobank West' },
    list: { to: '/storage', search: { view: 'list' } },
  },
  {
    name: 'computers',
    label: 'Computers',
    role: 'operator',
    fields: { ...computerLabels, ...keyLabels } satisfies ImportFields<'/api/v1/computers'>,
    required: ['name', 'site_id'],
    references: { site_id: 'site' },
    example: { name: 'Reader 3', mac: '08:00:2b:01:02:03', site_id: 'Biobank West' },
    list: { to: '/instruments', search: { kind: 'computer' } },
  },
  {
    name: 'containers',
    label: 'Containers',
    role: 'operator',
    fields: {
      ...containerLabels,
      parent_uuid: 'UUID of the container around it',
      parent: containerLabels.parent_uuid,
      uuid: 'UUID',
      ...keyLabels,
    } satisfies ImportFields<'/api/v1/containers'>,
    required: ['freezer_id'],
    references: { freezer_id: 'freezer', owner: 'user' },
    example: {
      description: 'Mouse serum, cohort 12, box 1',
      barcode: 'BOX-0001',
      kind: 'box',
      type: 'serum',
      project: 'Cohort 12',
      owner: 'Jane Miller',
      expires_on: '2031-01-31',
      freezer_id: 'Minus80-B2 (Biobank West)',
      rows: '9',
      columns: '9',
    },
    list: { to: '/containers' },
  },
  {
    name: 'todos',
    label: 'Todos',
    role: 'operator',
    fields: { ...todoLabels, ...keyLabels } satisfies ImportFields<'/api/v1/todos'>,
    required: ['description', 'status'],
    references: { assignee: 'user', site_id: 'site', freezer_id: 'freezer', computer_id: 'computer' },
    example: {
      description: 'Defrost the freezer',
      status: 'open',
      assignee: 'Jane Miller',
      due_on: '2027-01-31',
      freezer_id: 'Minus80-B2 (Biobank West)',
    },
    list: { to: '/todos', search: { view: 'list' } },
  },
  {
    name: 'users',
    label: 'Users',
    role: 'admin',
    fields: { ...userLabels, ...keyLabels } satisfies ImportFields<'/api/v1/users'>,
    required: ['username', 'role', 'disabled'],
    references: {},
    example: {
      username: 'jane.miller',
      display_name: 'Jane Miller',
      email: 'jane.miller@example.com',
      country: 'Norway',
      risk: 'medium',
      role: 'operator',
      disabled: 'false',
    },
    list: { to: '/users' },
  },
]

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

/** isReplaced reports whether another column gives the freezer: that of the container in which a new one lies. */
const isReplaced = (name: string, columns: readonly (string | undefined)[]) =>
  name === 'freezer_id' && (columns.includes('parent') || columns.includes('parent_uuid'))

/** describeColumns summarizes columns without the fields of the key and the version. */
export function describeColumns(
  columns: readonly (string | undefined)[],
  { fields, required }: ImportTarget,
): ColumnSummary {
  const names = Object.keys(fields).filter((name) => !keyFields.includes(name))
  const missing = names.filter((name) => !columns.includes(name))
  return {
    hasKey: columns.includes('uuid' in fields ? 'uuid' : 'id'),
    missing,
    missingRequired: missing.filter((name) => required.includes(name) && !isReplaced(name, columns)),
    clearable: names.filter((name) => columns.includes(name) && !required.includes(name)),
  }
}
