import { TextLink } from '../components/links'
import { TimeAgo } from '../components/TimeAgo'
import { type Container, containerLabels, containerTitle, custodyLabels } from '../containers/api'
import { formatDay, formatQuantity } from '../containers/containerFacts'
import { ContainerStatusBadge, statuses, statusLabel } from '../containers/status'
import { FreezerLink, useFreezerNames } from '../freezers/FreezerLink'
import type { GridColumn, ListDefinition } from '../grid/types'
import { PersonName } from '../people/PersonName'
import { SiteLink, useSiteNames } from '../sites/SiteLink'

/** ContainerRow is a container with the names of its freezer and site. */
export type ContainerRow = Container & { freezer_name?: string; site_id?: number; site_name?: string }

const descriptionColumn: GridColumn<ContainerRow> = {
  id: 'description',
  header: containerLabels.description,
  type: 'text',
  isNullable: true,
  value: containerTitle,
  cell: (container) => (
    <TextLink to="/containers/$uuid" params={{ uuid: container.uuid }}>
      {containerTitle(container)}
    </TextLink>
  ),
}

const freezerColumn: GridColumn<ContainerRow> = {
  id: 'freezer_name',
  header: containerLabels.freezer_id,
  type: 'text',
  reference: { kind: 'freezer', idField: 'freezer_id', useName: useFreezerNames },
  cell: (container) => <FreezerLink id={container.freezer_id} name={container.freezer_name} />,
  width: 9.5,
}

const siteColumn: GridColumn<ContainerRow> = {
  id: 'site_name',
  header: 'Site',
  type: 'text',
  reference: { kind: 'site', idField: 'site_id', useName: useSiteNames },
  cell: ({ site_id, site_name }) => site_id && <SiteLink id={site_id} name={site_name} />,
  width: 8.5,
}

const text = (id: 'kind' | 'type' | 'project' | 'unit', width: number): GridColumn<ContainerRow> => ({
  id,
  header: containerLabels[id],
  type: 'text',
  isNullable: true,
  width,
})

const positionColumn: GridColumn<ContainerRow> = {
  id: 'position',
  header: containerLabels.position,
  type: 'text',
  isNullable: true,
  width: 6,
}

const statusColumn: GridColumn<ContainerRow> = {
  id: 'status',
  header: custodyLabels.status,
  type: 'choice',
  options: statuses,
  value: ({ status }) => statusLabel(status),
  cell: ({ status }) => <ContainerStatusBadge status={status} />,
  width: 7.5,
}

const person = (id: 'owner' | 'holder', header: string): GridColumn<ContainerRow> => ({
  id,
  header,
  type: 'person',
  isNullable: true,
  cell: (row) => row[id] && <PersonName username={row[id]} />,
  width: 9,
})

const hidden = (column: GridColumn<ContainerRow>): GridColumn<ContainerRow> => ({ ...column, isHidden: true })

/** columnsOnDemand are shown when the user chooses them, and always filter. */
const columnsOnDemand: GridColumn<ContainerRow>[] = [
  text('project', 8),
  person('holder', custodyLabels.holder),
  {
    id: 'due_on',
    header: custodyLabels.due_on,
    type: 'date',
    isNullable: true,
    value: ({ due_on }) => due_on && formatDay(due_on),
    width: 7.5,
  },
  {
    id: 'held_since',
    header: 'Held since',
    type: 'time',
    isNullable: true,
    cell: ({ held_since }) => held_since && <TimeAgo at={held_since} />,
    width: 8.5,
  },
  {
    id: 'quantity',
    header: containerLabels.quantity,
    type: 'number',
    isNullable: true,
    alignEnd: true,
    value: (container) => formatQuantity(container) ?? null,
    width: 6.5,
    exportFields: ['quantity', 'unit'],
  },
  {
    id: 'expires_on',
    header: containerLabels.expires_on,
    type: 'date',
    isNullable: true,
    value: ({ expires_on }) => expires_on && formatDay(expires_on),
    width: 7.5,
  },
  { id: 'thaw_count', header: containerLabels.thaw_count, type: 'number', alignEnd: true, width: 5.5 },
  { id: 'rows', header: containerLabels.rows, type: 'number', isNullable: true, alignEnd: true, width: 5 },
  { id: 'columns', header: containerLabels.columns, type: 'number', isNullable: true, alignEnd: true, width: 5.5 },
  { id: 'capacity', header: containerLabels.capacity, type: 'number', isNullable: true, alignEnd: true, width: 6 },
  { id: 'uuid', header: 'UUID', type: 'key', width: 18.5 }, // in the widest monospaced typeface
]
const moreColumns = columnsOnDemand.map(hidden)

const parentFilter: GridColumn<ContainerRow> = {
  id: 'parent_uuid',
  header: containerLabels.parent_uuid,
  type: 'presence',
  options: [
    { value: 'true', label: 'The freezer itself' },
    { value: 'false', label: 'Another container' },
  ],
  isFilterOnly: true,
}

const barcodeColumn: GridColumn<ContainerRow> = {
  id: 'barcode',
  header: containerLabels.barcode,
  type: 'text',
  isNullable: true,
  cell: ({ barcode }) => barcode && <code>{barcode}</code>,
  width: 9,
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
    text('type', 6.5),
    freezerColumn,
    siteColumn,
    positionColumn,
    statusColumn,
    hidden(text('kind', 5.5)),
    hidden(person('owner', containerLabels.owner)),
    ...moreColumns,
    parentFilter,
  ],
}

/** siteContainersList is the list on the screen of a site, without the site. */
export const siteContainersList: ListDefinition<ContainerRow> = {
  ...containersList,
  columns: containersList.columns.filter(({ id }) => id !== 'site_name'),
}

const innerColumns = [
  descriptionColumn,
  barcodeColumn,
  text('kind', 5.5),
  text('type', 6.5),
  person('owner', containerLabels.owner),
  positionColumn,
  statusColumn,
  ...moreColumns,
]

/** freezerContainersList is the list on the screen of a freezer, without the freezer. */
export const freezerContainersList: ListDefinition<ContainerRow> = { ...definition, columns: [...innerColumns, parentFilter] }

/** insideContainersList is the list of what lies in a container. */
export const insideContainersList: ListDefinition<ContainerRow> = { ...definition, columns: innerColumns }
