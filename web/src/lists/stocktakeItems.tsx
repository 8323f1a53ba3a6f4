import { TextLink } from '../components/links'
import { StatusBadge } from '../components/StatusBadge'
import { TimeAgo } from '../components/TimeAgo'
import type { ListDefinition } from '../grid/types'
import { PersonName } from '../people/PersonName'
import type { StocktakeItem, StocktakeTotals } from '../stocktakes/api'
import { homeIn, resultLabel, results, resultTone, scannedAt } from '../stocktakes/results'

/** stocktakeItemsList is the report of a closed stock-take; its noun has the placeholder {id}. */
export const stocktakeItemsList: ListDefinition<StocktakeItem> = defineItems('stocktakes/{id}/items', 0, false)

/** itemsOf returns the report of one stock-take. */
export const itemsOf = ({ id, freezer_id, closed_at }: Pick<StocktakeTotals, 'id' | 'freezer_id' | 'closed_at'>) =>
  defineItems(`stocktakes/${id}/items`, freezer_id, closed_at === null)

function defineItems(noun: string, freezerId: number, isOpen: boolean): ListDefinition<StocktakeItem> {
  return {
    noun,
    label: 'Report',
    itemNames: { one: 'item', many: 'items' },
    rowKey: ({ id }) => id,
    keyFields: ['id'],
    defaultSort: 'id',
    columns: [
      {
        id: 'name',
        header: 'Container',
        type: 'text',
        cell: ({ name, container_uuid }) =>
          container_uuid ? (
            <TextLink to="/containers/$uuid" params={{ uuid: container_uuid }}>
              {name}
            </TextLink>
          ) : (
            <code>{name}</code>
          ),
      },
      {
        id: 'result',
        header: 'Result',
        type: 'choice',
        options: results.map(({ value }) => ({ value, label: resultLabel(value, isOpen) })),
        value: ({ result }) => resultLabel(result, isOpen),
        cell: ({ result }) => (
          <StatusBadge tone={resultTone(result, isOpen)}>{resultLabel(result, isOpen)}</StatusBadge>
        ),
        width: 8,
      },
      {
        id: 'barcode',
        header: 'Barcode',
        type: 'text',
        isNullable: true,
        cell: ({ barcode }) => barcode && <code>{barcode}</code>,
        width: 8,
      },
      {
        id: 'home_parent_name',
        header: 'Expected in',
        type: 'text',
        isNullable: true,
        value: (item) => homeIn(freezerId, item),
        exportFields: ['home_freezer_name', 'home_parent_name', 'home_position'],
        width: 11,
      },
      {
        id: 'scanned_parent_name',
        header: 'Scanned in',
        type: 'text',
        isNullable: true,
        value: scannedAt,
        exportFields: ['scanned_parent_name', 'scanned_position'],
        width: 9,
      },
      {
        id: 'scanned_at',
        header: 'Scanned',
        type: 'time',
        isNullable: true,
        cell: ({ scanned_at }) => scanned_at && <TimeAgo at={scanned_at} />,
        width: 7.5,
      },
      {
        id: 'scanned_by',
        header: 'Scanned by',
        type: 'person',
        isNullable: true,
        isHidden: true,
        cell: ({ scanned_by }) => scanned_by && <PersonName username={scanned_by} isLink />,
        width: 9,
      },
      {
        id: 'holder',
        header: 'Holder',
        type: 'person',
        isNullable: true,
        isHidden: true,
        cell: ({ holder }) => holder && <PersonName username={holder} isLink />,
        width: 9,
      },
      { id: 'kind', header: 'Kind', type: 'text', isNullable: true, isHidden: true, width: 6 },
    ],
  }
}
