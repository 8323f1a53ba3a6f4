import { TextLink } from '../components/links'
import { StatusBadge } from '../components/StatusBadge'
import { TimeAgo } from '../components/TimeAgo'
import { FreezerLink, useFreezerNames } from '../freezers/FreezerLink'
import type { ListDefinition } from '../grid/types'
import { PersonName } from '../people/PersonName'
import type { StocktakeRow } from '../stocktakes/api'
import { placeName } from '../stocktakes/StocktakePlace'

export const stocktakesList: ListDefinition<StocktakeRow> = {
  noun: 'stocktakes',
  label: 'Stock-takes',
  itemNames: { one: 'stock-take', many: 'stock-takes' },
  rowKey: ({ id }) => id,
  keyFields: ['id'],
  siteField: 'site_id',
  include: 'container,freezer',
  defaultSort: '-started_at',
  columns: [
    {
      id: 'container_description',
      header: 'Stock-take of',
      type: 'text',
      isNullable: true,
      isSortable: false,
      filterLabel: 'Container',
      value: placeName,
      cell: (row) => (
        <TextLink to="/stocktakes/$id" params={{ id: String(row.id) }}>
          {placeName(row)}
        </TextLink>
      ),
    },
    {
      id: 'freezer_name',
      header: 'Freezer',
      type: 'text',
      reference: { kind: 'freezer', idField: 'freezer_id', useName: useFreezerNames },
      cell: ({ freezer_id, freezer_name }) => <FreezerLink id={freezer_id} name={freezer_name} />,
      width: 10,
    },
    {
      id: 'closed_at',
      header: 'State',
      filterLabel: 'Closed',
      type: 'time',
      isNullable: true,
      cell: ({ closed_at }) =>
        closed_at === null ? (
          <StatusBadge tone="info">Open</StatusBadge>
        ) : (
          <>
            Closed <TimeAgo at={closed_at} />
          </>
        ),
      width: 10,
    },
    {
      id: 'started_at',
      header: 'Started',
      type: 'time',
      cell: ({ started_at }) => <TimeAgo at={started_at} />,
      width: 8,
    },
    {
      id: 'started_by',
      header: 'Started by',
      type: 'person',
      cell: ({ started_by }) => <PersonName username={started_by} isLink />,
      width: 10,
    },
    {
      id: 'closed_by',
      header: 'Closed by',
      type: 'person',
      isNullable: true,
      isHidden: true,
      cell: ({ closed_by }) => closed_by && <PersonName username={closed_by} isLink />,
      width: 10,
    },
    { id: 'note', header: 'Note', type: 'text', isNullable: true, width: 10 },
  ],
}
