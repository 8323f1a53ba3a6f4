import { TextLink } from '../components/links'
import type { Schemas } from '../api/client'
import type { Computer } from '../computers/api'
import { ComputerLink } from '../computers/ComputerLink'
import type { Freezer } from '../freezers/api'
import { FreezerLink } from '../freezers/FreezerLink'
import type { GridColumn, ListDefinition } from '../grid/types'
import { SiteLink, useSiteNames } from '../sites/SiteLink'

type Instrument = Schemas['Instrument']

/** siteColumn is the column of the site of an instrument. */
function siteColumn<T extends { site_id: number; site_name?: string }>(): GridColumn<T> {
  return {
    id: 'site_name',
    header: 'Site',
    type: 'text',
    reference: { kind: 'site', idField: 'site_id', useName: useSiteNames },
    cell: ({ site_id, site_name }) => <SiteLink id={site_id} name={site_name} />,
  }
}

const instrumentColumns: GridColumn<Instrument>[] = [
  {
    id: 'name',
    header: 'Name',
    type: 'text',
    cell: ({ name, freezer_id, computer_id }) =>
      freezer_id === null ? (
        <ComputerLink id={computer_id ?? 0} name={name} />
      ) : (
        <FreezerLink id={freezer_id} name={name} />
      ),
  },
  {
    id: 'freezer_id',
    header: 'Type',
    type: 'presence',
    options: [
      { value: 'false', label: 'Freezers' },
      { value: 'true', label: 'Computers' },
    ],
    isSortable: false,
    value: ({ freezer_id }) => (freezer_id === null ? 'Computer' : 'Freezer'),
    width: 8,
  },
]

const definition = {
  noun: 'instruments',
  label: 'Instruments',
  itemNames: { one: 'instrument', many: 'instruments' },
  rowKey: ({ freezer_id, computer_id }: Instrument) =>
    freezer_id === null ? `computer ${computer_id}` : `freezer ${freezer_id}`,
  keyFields: ['freezer_id', 'computer_id'],
}

/** instrumentsList lists freezers and computers. */
export const instrumentsList: ListDefinition<Instrument> = {
  ...definition,
  siteField: 'site_id',
  columns: [...instrumentColumns, siteColumn()],
}

/** siteInstrumentsList is the list on the screen of a site, without the site. */
export const siteInstrumentsList: ListDefinition<Instrument> = { ...definition, columns: instrumentColumns }

/** FreezerRow is a freezer with the name of its site. */
export type FreezerRow = Freezer & { site_name?: string }

export const freezersList: ListDefinition<FreezerRow> = {
  noun: 'freezers',
  label: 'Freezers',
  itemNames: { one: 'freezer', many: 'freezers' },
  rowKey: (freezer) => freezer.id,
  keyFields: ['id'],
  include: 'site',
  siteField: 'site_id',
  columns: [
    {
      id: 'name',
      header: 'Name',
      type: 'text',
      cell: ({ id, name }) => (
        <TextLink to="/freezers/$id" params={{ id: String(id) }}>
          {name}
        </TextLink>
      ),
    },
    siteColumn(),
  ],
}

/** ComputerRow is a computer with the name of its site. */
export type ComputerRow = Computer & { site_name?: string }

export const computersList: ListDefinition<ComputerRow> = {
  noun: 'computers',
  label: 'Computers',
  itemNames: { one: 'computer', many: 'computers' },
  rowKey: (computer) => computer.id,
  keyFields: ['id'],
  include: 'site',
  siteField: 'site_id',
  columns: [
    {
      id: 'name',
      header: 'Name',
      type: 'text',
      cell: ({ id, name }) => (
        <TextLink to="/computers/$id" params={{ id: String(id) }}>
          {name}
        </TextLink>
      ),
    },
    siteColumn(),
    { id: 'mac', header: 'MAC address', type: 'key', isNullable: true, width: 11 },
  ],
}
