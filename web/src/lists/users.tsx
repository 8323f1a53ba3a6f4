import { StatusBadge } from '../components/StatusBadge'
import type { ListDefinition } from '../grid/types'
import { UserName } from '../people/PersonName'
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
      id: 'display_name',
      header: userLabels.display_name,
      type: 'text',
      isNullable: true,
      value: (user) => user.display_name ?? user.username,
      cell: (user) => <UserName id={user.id} name={user.display_name ?? user.username} isLink />,
    },
    { id: 'username', header: userLabels.username, type: 'text', width: 9 },
    { id: 'email', header: userLabels.email, type: 'text', isNullable: true },
    { id: 'id', header: 'ID', type: 'number', alignEnd: true, width: 7, isHidden: true },
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
        { value: 'false', label: 'Active' },
        { value: 'true', label: 'Deactivated' },
      ],
      value: (user) => (user.disabled ? 'Deactivated' : 'Active'),
      cell: (user) => (
        <StatusBadge tone={user.disabled ? 'inactive' : 'fine'}>{user.disabled ? 'Deactivated' : 'Active'}</StatusBadge>
      ),
      width: 8,
    },
  ],
}
