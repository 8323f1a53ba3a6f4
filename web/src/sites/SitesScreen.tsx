import { useInfiniteQuery } from '@tanstack/react-query'
import { useNavigate } from '@tanstack/react-router'

import { type Column, DataTable } from '../components/DataTable'
import { type Filter, FilterBar, useFilters } from '../components/filters'
import { ButtonLink, TextLink } from '../components/links'
import { Screen } from '../components/Screen'
import { Empty } from '../components/placeholders'
import { useMay } from '../session/api'
import { useShortcut } from '../shell/shortcuts'
import { type Site, sitesQuery } from './api'

const filters = [
  { name: 'name', label: 'Name' },
  { name: 'country', label: 'Country' },
  { name: 'state_or_region', label: 'State or region' },
  { name: 'contact', label: 'Contact' },
] as const satisfies Filter<string>[]

const columns: Column<Site>[] = [
  {
    id: 'name',
    header: 'Name',
    value: (site) => site.name,
    cell: (site) => (
      <TextLink to="/sites/$id" params={{ id: String(site.id) }}>
        {site.name}
      </TextLink>
    ),
  },
  { id: 'contact', header: 'Contact', value: (site) => site.contact },
  { id: 'address', header: 'Address', value: (site) => site.address },
  { id: 'country', header: 'Country', value: (site) => site.country },
]

/** SitesScreen lists the places where the laboratory works. */
export function SitesScreen() {
  const [values, set] = useFilters(filters)
  const query = useInfiniteQuery(sitesQuery(values))
  const may = useMay('operator')
  const navigate = useNavigate()
  useShortcut('n', 'New site', () => void navigate({ to: '/sites/new' }), may)
  const fresh = may && <ButtonLink to="/sites/new">New site</ButtonLink>
  return (
    <Screen title="Sites" actions={fresh}>
      <FilterBar filters={filters} values={values} set={set} />
      <DataTable
        label="Sites"
        query={query}
        columns={columns}
        rowKey={(site) => site.id}
        empty={
          Object.keys(values).length > 0 ? (
            <Empty title="No site matches">A filter wants the whole text, with upper and lower case as it is stored.</Empty>
          ) : (
            <Empty icon="site" title="There are no sites yet" actions={fresh} />
          )
        }
      />
    </Screen>
  )
}
