import { useInfiniteQuery } from '@tanstack/react-query'
import { useNavigate } from '@tanstack/react-router'

import { type Column, DataTable } from '../components/DataTable'
import { type Filter, FilterBar, useFilters } from '../components/filters'
import { ButtonLink, TextLink } from '../components/links'
import { Screen } from '../components/Screen'
import { Empty, Forbidden } from '../components/placeholders'
import { roles, useMay } from '../session/api'
import { useShortcut } from '../shell/shortcuts'
import { risks, type User, usersQuery } from './api'

const named = (values: readonly string[]) => values.map((value) => ({ value, label: value }))

const filters = [
  { name: 'username', label: 'Username' },
  { name: 'country', label: 'Country' },
  { name: 'risk', label: 'Risk', options: named(risks) },
  { name: 'role', label: 'Role', options: named(roles) },
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
  { id: 'id', header: 'Number', value: (user) => user.id, end: true },
  { id: 'role', header: 'Role', value: (user) => user.role },
  { id: 'risk', header: 'Risk', value: (user) => user.risk ?? 'medium' },
  { id: 'country', header: 'Country', value: (user) => user.country },
  { id: 'disabled', header: 'State', value: (user) => (user.disabled ? 'Disabled' : 'Enabled') },
]

/** UsersScreen lists the people and programs that the laboratory knows. Only admins see it. */
export function UsersScreen() {
  const may = useMay('admin')
  const navigate = useNavigate()
  useShortcut('n', 'New user', () => void navigate({ to: '/users/new' }), may)
  return (
    <Screen title="Users" actions={may && <ButtonLink to="/users/new">New user</ButtonLink>}>
      {may ? <Users /> : <Forbidden />}
    </Screen>
  )
}

function Users() {
  const [values, set] = useFilters(filters)
  const query = useInfiniteQuery(usersQuery(values))
  return (
    <>
      <FilterBar filters={filters} values={values} set={set} />
      <DataTable
        label="Users"
        query={query}
        columns={columns}
        rowKey={(user) => user.id}
        empty={
          Object.keys(values).length > 0 ? (
            <Empty title="No user matches">A filter wants the whole text, with upper and lower case as it is stored. Medium risk also goes by no risk at all.</Empty>
          ) : (
            <Empty icon="user" title="There are no users yet" />
          )
        }
      />
    </>
  )
}
