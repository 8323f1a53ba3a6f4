import { TextLink } from '../components/links'
import type { ListDefinition } from '../grid/types'
import { roles } from '../session/api'
import { risks, type User, userLabels } from '../users/api'

const toOptions = (values: readonly string[]) => values.map((value) => ({ value, label: value }))

export const usersList: ListDefinition<User> = {
  noun: 'users',
  label: 'Users',
  itemNames: { one: 'user', many: 'users' },
  rowKey: (user) => user.id,
  keyFields: ['id'],
  columns: [
    {
      id: 'username',
      header: userLabels.username,
      type: 'text',
      cell: (user) => (
        <TextLink to="/users/$id" params={{ id: String(user.id) }}>
          {user.username}
        </TextLink>
      ),
    },
    { id: 'id', header: 'ID', type: 'number', alignEnd: true, width: 7 },
    { id: 'role', header: userLabels.role, type: 'choice', options: toOptions(roles), width: 7.5 },
    {
      id: 'risk',
      header: userLabels.risk,
      type: 'choice',
      options: toOptions(risks),
      isNullable: true,
      value: (user) => user.risk ?? 'Default (medium)',
      width: 10,
    },
    { id: 'country', header: userLabels.country, type: 'text', isNullable: true },
    {
      id: 'disabled',
      header: 'State',
      type: 'boolean',
      options: [
        { value: 'false', label: 'Enabled' },
        { value: 'true', label: 'Disabled' },
      ],
      value: (user) => (user.disabled ? 'Disabled' : 'Enabled'),
      width: 7.5,
    },
  ],
}
