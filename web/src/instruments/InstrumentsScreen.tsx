import { useInfiniteQuery } from '@tanstack/react-query'
import { useNavigate } from '@tanstack/react-router'

import { DataTable } from '../components/DataTable'
import { type Filter, FilterBar, useFilters } from '../components/filters'
import { ButtonLink } from '../components/links'
import { Picker } from '../components/Picker'
import { EmptyState } from '../components/placeholders'
import { Screen } from '../components/Screen'
import { usePermission } from '../session/api'
import { useShortcut } from '../shell/shortcuts'
import { useSiteNames } from '../sites/SiteLink'
import { instrumentsQuery } from './api'
import { computerColumns, instrumentColumns } from './columns'

const filters = [
  {
    name: 'kind',
    label: 'Type',
    options: [
      { value: 'freezer', label: 'Freezers' },
      { value: 'computer', label: 'Computers' },
    ],
  },
  { name: 'name', label: 'Name' },
  { name: 'site_id', label: 'Site', renderField: (props) => <SiteFilter {...props} /> },
] as const satisfies Filter<string>[]

const macFilter = { name: 'mac', label: 'MAC address' } as const

/** InstrumentsScreen lists freezers and computers. */
export function InstrumentsScreen() {
  const [{ mac, ...otherFilters }, setFilter] = useFilters([...filters, macFilter])
  const isComputerList = otherFilters.kind === 'computer'
  const values = isComputerList && mac ? { ...otherFilters, mac } : otherFilters // only computers have a MAC address
  const query = useInfiniteQuery(instrumentsQuery(values))
  const canEdit = usePermission('operator')
  const navigate = useNavigate()
  useShortcut(
    'n f',
    'New freezer',
    () => void navigate({ to: '/freezers/new', search: { site_id: values.site_id } }),
    canEdit,
  )
  useShortcut(
    'n c',
    'New computer',
    () => void navigate({ to: '/computers/new', search: { site_id: values.site_id } }),
    canEdit,
  )
  const newButtons = canEdit && (
    <>
      <ButtonLink to="/freezers/new" search={{ site_id: values.site_id }}>
        New freezer
      </ButtonLink>
      <ButtonLink to="/computers/new" search={{ site_id: values.site_id }} variant="default">
        New computer
      </ButtonLink>
    </>
  )
  return (
    <Screen title="Instruments" actions={newButtons}>
      <FilterBar filters={isComputerList ? [...filters, macFilter] : filters} values={values} onChange={setFilter} />
      <DataTable
        label="Instruments"
        query={query}
        columns={isComputerList ? computerColumns : instrumentColumns}
        rowKey={(instrument) => `${instrument.kind} ${instrument.id}`}
        empty={
          Object.keys(values).length > 0 ? (
            <EmptyState title="No instruments match these filters">
              Text filters match the whole value and are case-sensitive.
            </EmptyState>
          ) : (
            <EmptyState icon="instrument" title="No instruments yet" actions={newButtons} />
          )
        }
      />
    </Screen>
  )
}

function SiteFilter({ label, value, onChange }: { label: string; value: string; onChange: (value: string) => void }) {
  const selectedLabel = useSiteNames()(Number(value))
  return (
    <Picker
      kind="site"
      label={label}
      placeholder="Any"
      defaultValue={value}
      selectedLabel={selectedLabel}
      onChange={(key, inputText) => (key || !inputText) && onChange(key)}
    />
  )
}
