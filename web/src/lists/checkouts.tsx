import { checkoutName, type CheckoutRow } from '../checkouts/api'
import { Barcode } from '../checkouts/barcodes'
import { DueBack } from '../checkouts/DueBack'
import { outcomeLabel, outcomes } from '../checkouts/outcomes'
import { TextLink } from '../components/links'
import { AbsoluteTime, TimeAgo } from '../components/TimeAgo'
import { FreezerLink, useFreezerNames } from '../freezers/FreezerLink'
import type { GridColumn, ListDefinition } from '../grid/types'
import { PersonName } from '../people/PersonName'
import { SiteLink, useSiteNames } from '../sites/SiteLink'

const yesNo = (yes: string, no: string) => [
  { value: 'true', label: yes },
  { value: 'false', label: no },
]

const holderColumn: GridColumn<CheckoutRow> = {
  id: 'holder',
  header: 'Holder',
  type: 'person',
  cell: ({ holder }) => <PersonName username={holder} isLink />,
  width: 9.5,
}

const columns: GridColumn<CheckoutRow>[] = [
  {
    id: 'container_description',
    header: 'Container',
    type: 'text',
    isNullable: true,
    value: checkoutName,
    cell: (row) => (
      <TextLink to="/containers/$uuid" params={{ uuid: row.container_uuid }}>
        {checkoutName(row)}
      </TextLink>
    ),
  },
  {
    id: 'barcode',
    header: 'Barcode',
    type: 'text',
    isSortable: false,
    isFilterable: false,
    value: () => null,
    cell: (row) => <Barcode uuid={row.container_uuid} />,
    exportFields: ['container_uuid'],
    width: 8,
  },
  holderColumn,
  {
    id: 'checked_out_at',
    header: 'Since',
    type: 'time',
    cell: ({ checked_out_at }) => <TimeAgo at={checked_out_at} />,
    width: 7.5,
  },
  {
    id: 'due_on',
    header: 'Due back',
    type: 'date',
    isNullable: true,
    cell: (row) => <DueBack checkout={row} />,
    width: 12,
  },
  { id: 'purpose', header: 'Purpose', type: 'text', isNullable: true, width: 7.5 },
  {
    id: 'freezer_name',
    header: 'Freezer',
    type: 'text',
    isHidden: true,
    reference: { kind: 'freezer', idField: 'freezer_id', useName: useFreezerNames },
    cell: ({ freezer_id, freezer_name }) => freezer_id && <FreezerLink id={freezer_id} name={freezer_name} />,
    width: 9,
  },
  {
    id: 'site_name',
    header: 'Site',
    type: 'text',
    isHidden: true,
    reference: { kind: 'site', idField: 'site_id', useName: useSiteNames },
    cell: ({ site_id, site_name }) => site_id && <SiteLink id={site_id} name={site_name} />,
    width: 9,
  },
  {
    id: 'returned_at',
    header: 'Until',
    type: 'time',
    isNullable: true,
    isHidden: true,
    cell: ({ returned_at }) => returned_at && <AbsoluteTime at={returned_at} />,
    width: 11,
  },
  {
    id: 'outcome',
    header: 'Outcome',
    type: 'choice',
    isNullable: true,
    isHidden: true,
    options: outcomes,
    value: ({ outcome }) => outcome && outcomeLabel(outcome),
    width: 8,
  },
  { id: 'open', header: 'State', type: 'boolean', options: yesNo('Open', 'Ended'), isFilterOnly: true },
  { id: 'overdue', header: 'Overdue', type: 'boolean', options: yesNo('Overdue', 'Not overdue'), isFilterOnly: true },
]

export const checkoutsList: ListDefinition<CheckoutRow> = {
  noun: 'checkouts',
  label: 'Checked out',
  itemNames: { one: 'check-out', many: 'check-outs' },
  rowKey: ({ id }) => id,
  keyFields: ['id'],
  siteField: 'site_id',
  include: 'container,freezer,site',
  defaultSort: 'due_on',
  defaultFilters: { open: 'true' },
  columns,
}

/** personCheckoutsList is the list on the page of a person, without the holder. */
export const personCheckoutsList: ListDefinition<CheckoutRow> = {
  ...checkoutsList,
  columns: columns.filter((column) => column !== holderColumn),
}
