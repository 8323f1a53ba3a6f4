import { useInfiniteQuery } from '@tanstack/react-query'
import { useNavigate } from '@tanstack/react-router'

import { type Column, DataTable } from '../components/DataTable'
import { type Filter, FilterBar, useFilters } from '../components/filters'
import { ButtonLink, TextLink } from '../components/links'
import { EmptyState } from '../components/placeholders'
import { Screen } from '../components/Screen'
import { usePermission } from '../session/api'
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

/** SitesScreen lists the sites. */
export function SitesScreen() {
  const [values, setFilter] = useFilters(filters)
  const query = useInfiniteQuery(sitesQuery(values))
  const canEdit = usePermission('operator')
  const navigate = useNavigate()
  useShortcut('n', 'New site', () => void navigate({ to: '/sites/new' }), canEdit)
  const newButton = canEdit && <ButtonLink to="/sites/new">New site</ButtonLink>
  return (
    <Screen title="Sites" actions={newButton}>
      <FilterBar filters={filters} values={values} onChange={setFilter} />
      <DataTable
        label="Sites"
        query={query}
        columns={columns}
        rowKey={(site) => site.id}
        empty={
          Object.keys(values).length > 0 ? (
            <EmptyState title="No sites match these filters">
              Text filters match the whole value and are case-sensitive.
            </EmptyState>
          ) : (
            <EmptyState icon="site" title="No sites yet" actions={newButton} />
          )
        }
      />
    </Screen>
  )
}
