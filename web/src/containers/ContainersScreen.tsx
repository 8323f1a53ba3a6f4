import { useInfiniteQuery } from '@tanstack/react-query'
import { useNavigate } from '@tanstack/react-router'

import { DataTable } from '../components/DataTable'
import { type Filter, FilterBar, useFilters } from '../components/filters'
import { ButtonLink } from '../components/links'
import { Picker } from '../components/Picker'
import { EmptyState } from '../components/placeholders'
import { Screen } from '../components/Screen'
import { useFreezerNames } from '../freezers/FreezerLink'
import { usePermission } from '../session/api'
import { useShortcut } from '../shell/shortcuts'
import { containersQuery } from './api'
import { containerColumns } from './columns'
import { ContainerLookup } from './ContainerLookup'

const filters = [
  { name: 'description', label: 'Description' },
  { name: 'freezer_id', label: 'Freezer', renderField: (props) => <FreezerFilter {...props} /> },
] as const satisfies Filter<string>[]

/** ContainersScreen lists containers and finds them by barcode. */
export function ContainersScreen() {
  const [values, setFilter] = useFilters(filters)
  const query = useInfiniteQuery(containersQuery(values))
  const canEdit = usePermission('operator')
  const navigate = useNavigate()
  useShortcut(
    'n',
    'New container',
    () => void navigate({ to: '/containers/new', search: { freezer_id: values.freezer_id } }),
    canEdit,
  )
  const newButton = canEdit && (
    <ButtonLink to="/containers/new" search={{ freezer_id: values.freezer_id }}>
      New container
    </ButtonLink>
  )
  return (
    <Screen title="Containers" actions={newButton}>
      <ContainerLookup />
      <FilterBar filters={filters} values={values} onChange={setFilter} />
      <DataTable
        label="Containers"
        query={query}
        columns={containerColumns}
        rowKey={(container) => container.uuid}
        empty={
          Object.keys(values).length > 0 ? (
            <EmptyState title="No containers match these filters">
              Text filters match the whole value and are case-sensitive.
            </EmptyState>
          ) : (
            <EmptyState icon="container" title="No containers yet" actions={newButton} />
          )
        }
      />
    </Screen>
  )
}

function FreezerFilter({
  label,
  value,
  onChange,
}: {
  label: string
  value: string
  onChange: (value: string) => void
}) {
  const selectedLabel = useFreezerNames()(Number(value))
  return (
    <Picker
      kind="freezer"
      label={label}
      placeholder="Any"
      defaultValue={value}
      selectedLabel={selectedLabel}
      onChange={(key, inputText) => (key || !inputText) && onChange(key)}
    />
  )
}
