import { useInfiniteQuery } from '@tanstack/react-query'
import { useNavigate } from '@tanstack/react-router'

import { type Column, DataTable } from '../components/DataTable'
import { type Filter, FilterBar, useFilters } from '../components/filters'
import { ButtonLink, TextLink } from '../components/links'
import { EmptyState, Forbidden } from '../components/placeholders'
import { Screen } from '../components/Screen'
import { roles, usePermission } from '../session/api'
import { useShortcut } from '../shell/shortcuts'
import { risks, type User, usersQuery } from './api'

const toOptions = (values: readonly string[]) => values.map((value) => ({ value, label: value }))

const filters = [
  { name: 'username', label: 'Username' },
  { name: 'country', label: 'Country' },
  { name: 'risk', label: 'Risk level', options: toOptions(risks) },
  { name: 'role', label: 'Role', options: toOptions(roles) },
  {
    name: 'disabled',
    label: 'State',
    options: [
      { value: 'false', label: 'Enabled' },
      { value: 'true', label: 'Disabled' },
    ],
  },
] as const satisfies Filter<string>[]

const columns: Column<User>[] = [
  {
    id: 'username',
    header: 'Username',
    value: (user) => user.username,
    cell: (user) => (
      <TextLink to="/users/$id" params={{ id: String(user.id) }}>
        {user.username}
      </TextLink>
    ),
  },
  { id: 'id', header: 'ID', value: (user) => user.id, alignEnd: true, width: 7 },
  { id: 'role', header: 'Role', value: (user) => user.role, width: 7.5 },
  { id: 'risk', header: 'Risk level', value: (user) => user.risk ?? 'medium', width: 8 },
  { id: 'country', header: 'Country', value: (user) => user.country },
  { id: 'disabled', header: 'State', value: (user) => (user.disabled ? 'Disabled' : 'Enabled'), width: 7.5 },
]

/** UsersScreen lists all users. It requires the admin role. */
export function UsersScreen() {
  const isAdmin = usePermission('admin')
  const navigate = useNavigate()
  useShortcut('n', 'New user', () => void navigate({ to: '/users/new' }), isAdmin)
  return (
    <Screen title="Users" actions={isAdmin && <ButtonLink to="/users/new">New user</ButtonLink>}>
      {isAdmin ? <UserTable /> : <Forbidden />}
    </Screen>
  )
}

function UserTable() {
  const [values, setFilter] = useFilters(filters)
  const query = useInfiniteQuery(usersQuery(values))
  return (
    <>
      <FilterBar filters={filters} values={values} onChange={setFilter} />
      <DataTable
        label="Users"
        query={query}
        columns={columns}
        rowKey={(user) => user.id}
        empty={
          Object.keys(values).length > 0 ? (
            <EmptyState title="No users match these filters">
              Text filters match the whole value and are case-sensitive. Filtering by medium risk level does not find
              users without a risk level, which count as medium.
            </EmptyState>
          ) : (
            <EmptyState icon="user" title="No users yet" />
          )
        }
      />
    </>
  )
}
