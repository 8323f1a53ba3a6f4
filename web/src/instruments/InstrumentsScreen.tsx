import { useInfiniteQuery } from '@tanstack/react-query'
import { useNavigate } from '@tanstack/react-router'

import { DataTable } from '../components/DataTable'
import { type Filter, FilterBar, useFilters } from '../components/filters'
import { ButtonLink } from '../components/links'
import { Picker } from '../components/Picker'
import { Screen } from '../components/Screen'
import { Empty } from '../components/placeholders'
import { useMay } from '../session/api'
import { useShortcut } from '../shell/shortcuts'
import { useSiteNames } from '../sites/SiteLink'
import { instrumentsQuery } from './api'
import { computerColumns, instrumentColumns } from './columns'

const filters = [
  { name: 'kind', label: 'Kind', options: [{ value: 'freezer', label: 'Freezers' }, { value: 'computer', label: 'Computers' }] },
  { name: 'name', label: 'Name' },
  { name: 'site_id', label: 'Site', field: (props) => <SiteFilter {...props} /> },
] as const satisfies Filter<string>[]

const hardware = { name: 'mac', label: 'Hardware address' } as const

/** InstrumentsScreen lists freezers and computers. */
export function InstrumentsScreen() {
  const [{ mac, ...known }, set] = useFilters([...filters, hardware])
  const computers = known.kind === 'computer'
  const values = computers && mac ? { ...known, mac } : known // only computers have one
  const query = useInfiniteQuery(instrumentsQuery(values))
  const may = useMay('operator')
  const navigate = useNavigate()
  useShortcut('n f', 'New freezer', () => void navigate({ to: '/freezers/new', search: { site_id: values.site_id } }), may)
  useShortcut('n c', 'New computer', () => void navigate({ to: '/computers/new', search: { site_id: values.site_id } }), may)
  const fresh = may && (
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
    <Screen title="Instruments" actions={fresh}>
      <FilterBar filters={computers ? [...filters, hardware] : filters} values={values} set={set} />
      <DataTable
        label="Instruments"
        query={query}
        columns={computers ? computerColumns : instrumentColumns}
        rowKey={(one) => `${one.kind} ${one.id}`}
        empty={
          Object.keys(values).length > 0 ? (
            <Empty title="No instrument matches">A filter wants the whole text, with upper and lower case as it is stored.</Empty>
          ) : (
            <Empty icon="instrument" title="There are no instruments yet" actions={fresh} />
          )
        }
      />
    </Screen>
  )
}

function SiteFilter({ label, value, set }: { label: string; value: string; set: (value: string) => void }) {
  const called = useSiteNames()(Number(value))
  return <Picker only="site" label={label} placeholder="Any" defaultValue={value} called={called} onChange={(key, typed) => (key || !typed) && set(key)} />
}
