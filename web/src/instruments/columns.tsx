import type { Column } from '../components/DataTable'
import { SiteLink } from '../sites/SiteLink'
import type { Instrument } from './api'
import { InstrumentLink } from './InstrumentLink'

/** siteInstrumentColumns are the columns on the screen of a site, without the site. */
export const siteInstrumentColumns: Column<Instrument>[] = [
  {
    id: 'name',
    header: 'Name',
    value: (instrument) => instrument.name,
    cell: (instrument) => <InstrumentLink {...instrument} />,
  },
  {
    id: 'kind',
    header: 'Type',
    value: (instrument) => (instrument.kind === 'freezer' ? 'Freezer' : 'Computer'),
    width: 8,
  },
]

export const instrumentColumns: Column<Instrument>[] = [
  ...siteInstrumentColumns,
  {
    id: 'site',
    header: 'Site',
    value: (instrument) => instrument.site_name ?? instrument.site_id,
    cell: (instrument) => <SiteLink id={instrument.site_id} name={instrument.site_name} />,
  },
]

export const computerColumns: Column<Instrument>[] = [
  ...instrumentColumns,
  { id: 'mac', header: 'MAC address', value: (instrument) => instrument.mac ?? null, width: 12 },
]
