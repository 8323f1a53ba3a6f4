import type { Column } from '../components/DataTable'
import { SiteLink } from '../sites/SiteLink'
import type { Instrument } from './api'
import { InstrumentLink } from './InstrumentLink'

/** columnsAtSite are the columns where it is clear at which site the instruments stand. */
export const columnsAtSite: Column<Instrument>[] = [
  { id: 'name', header: 'Name', value: (one) => one.name, cell: (one) => <InstrumentLink {...one} /> },
  { id: 'kind', header: 'Kind', value: (one) => (one.kind === 'freezer' ? 'Freezer' : 'Computer') },
]

export const instrumentColumns: Column<Instrument>[] = [
  ...columnsAtSite,
  { id: 'site', header: 'Site', value: (one) => one.site_name ?? one.site_id, cell: (one) => <SiteLink id={one.site_id} name={one.site_name} /> },
]

export const computerColumns: Column<Instrument>[] = [...instrumentColumns, { id: 'mac', header: 'Hardware address', value: (one) => one.mac ?? null }]
