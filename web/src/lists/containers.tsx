import { TextLink } from '../components/links'
import { type Container, containerTitle } from '../containers/api'
import { FreezerLink, useFreezerNames } from '../freezers/FreezerLink'
import type { GridColumn, ListDefinition } from '../grid/types'
import { SiteLink, useSiteNames } from '../sites/SiteLink'

/** ContainerRow is a container with the names of its freezer and site. */
export type ContainerRow = Container & { freezer_name?: string; site_id?: number; site_name?: string }

const descriptionColumn: GridColumn<ContainerRow> = {
  id: 'description',
  header: 'Description',
  type: 'text',
  isNullable: true,
  value: containerTitle,
  cell: (container) => (
    <TextLink to="/containers/$uuid" params={{ uuid: container.uuid }}>
      {containerTitle(container)}
    </TextLink>
  ),
}

const barcodeColumn: GridColumn<ContainerRow> = {
  id: 'uuid',
  header: 'Barcode',
  type: 'key',
  width: 18.5, // a UUID in the widest monospaced typeface
}

const definition = {
  noun: 'containers',
  label: 'Containers',
  itemNames: { one: 'container', many: 'containers' },
  rowKey: (container: ContainerRow) => container.uuid,
  keyFields: ['uuid'],
}

export const containersList: ListDefinition<ContainerRow> = {
  ...definition,
  siteField: 'site_id',
  include: 'freezer,site',
  columns: [
    descriptionColumn,
    barcodeColumn,
    {
      id: 'freezer_name',
      header: 'Freezer',
      type: 'text',
      reference: { kind: 'freezer', idField: 'freezer_id', useName: useFreezerNames },
      cell: (container) => <FreezerLink id={container.freezer_id} name={container.freezer_name} />,
      width: 11,
    },
    {
      id: 'site_name',
      header: 'Site',
      type: 'text',
      reference: { kind: 'site', idField: 'site_id', useName: useSiteNames },
      cell: ({ site_id, site_name }) => site_id && <SiteLink id={site_id} name={site_name} />,
      width: 11,
    },
  ],
}

/** siteContainersList is the list on the screen of a site, without the site. */
export const siteContainersList: ListDefinition<ContainerRow> = {
  ...containersList,
  columns: containersList.columns.filter(({ id }) => id !== 'site_name'),
}

/** freezerContainersList is the list on the screen of a freezer, without the freezer. */
export const freezerContainersList: ListDefinition<ContainerRow> = {
  ...definition,
  columns: [descriptionColumn, barcodeColumn],
}
