import { useInfiniteQuery } from '@tanstack/react-query'
import { useNavigate } from '@tanstack/react-router'

import { useFreezerNames } from '../freezers/FreezerLink'
import { DataTable } from '../components/DataTable'
import { type Filter, FilterBar, useFilters } from '../components/filters'
import { ButtonLink } from '../components/links'
import { Picker } from '../components/Picker'
import { Screen } from '../components/Screen'
import { Empty } from '../components/placeholders'
import { useMay } from '../session/api'
import { useShortcut } from '../shell/shortcuts'
import { containersQuery } from './api'
import { containerColumns } from './columns'
import { FindContainer } from './ContainerLookup'

const filters = [
  { name: 'description', label: 'Description' },
  { name: 'freezer_id', label: 'Freezer', field: (props) => <FreezerFilter {...props} /> },
] as const satisfies Filter<string>[]

/** ContainersScreen finds containers by their labels, and lists them. */
export function ContainersScreen() {
  const [values, set] = useFilters(filters)
  const query = useInfiniteQuery(containersQuery(values))
  const may = useMay('operator')
  const navigate = useNavigate()
  useShortcut('n', 'New container', () => void navigate({ to: '/containers/new', search: { freezer_id: values.freezer_id } }), may)
  const fresh = may && (
    <ButtonLink to="/containers/new" search={{ freezer_id: values.freezer_id }}>
      New container
    </ButtonLink>
  )
  return (
    <Screen title="Containers" actions={fresh}>
      <FindContainer />
      <FilterBar filters={filters} values={values} set={set} />
      <DataTable
        label="Containers"
        query={query}
        columns={containerColumns}
        rowKey={(one) => one.uuid}
        empty={
          Object.keys(values).length > 0 ? (
            <Empty title="No container matches">A filter wants the whole text, with upper and lower case as it is stored.</Empty>
          ) : (
            <Empty icon="container" title="There are no containers yet" actions={fresh} />
          )
        }
      />
    </Screen>
  )
}

function FreezerFilter({ label, value, set }: { label: string; value: string; set: (value: string) => void }) {
  const called = useFreezerNames()(Number(value))
  return <Picker only="freezer" label={label} placeholder="Any" defaultValue={value} called={called} onChange={(key, typed) => (key || !typed) && set(key)} />
}
