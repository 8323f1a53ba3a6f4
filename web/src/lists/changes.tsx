import { Text } from '@mantine/core'

import type { Change } from '../changes/api'
import { ChangedFields, ChangedItem, describeChangedItem } from '../changes/ChangedItem'
import { TextLink } from '../components/links'
import { AbsoluteTime } from '../components/TimeAgo'
import type { ListDefinition } from '../grid/types'
import { historyTables } from '../history/tables'
import { PersonName } from '../people/PersonName'

const actionOptions: { value: Change['action']; label: string }[] = [
  { value: 'insert', label: 'Created' },
  { value: 'update', label: 'Changed' },
  { value: 'delete', label: 'Deleted' },
]

/** adminChangesList lists the changes of all tables. */
export const adminChangesList: ListDefinition<Change> = {
  noun: 'changes',
  label: 'Changes, newest first',
  itemNames: { one: 'change', many: 'changes' },
  rowKey: (change) => change.id,
  keyFields: ['id'],
  defaultSort: '-id',
  isWrapped: true,
  columns: [
    {
      id: 'row_key',
      header: 'Item',
      filterLabel: 'ID',
      type: 'text',
      isSortable: false,
      value: describeChangedItem,
      cell: (change) => <ChangedItem change={change} />,
      width: 15,
      exportFields: ['table_name', 'row_key'],
    },
    {
      id: 'table_name',
      header: 'Type',
      type: 'choice',
      options: historyTables,
      isFilterOnly: true,
    },
    {
      id: 'action',
      header: 'Action',
      type: 'choice',
      options: actionOptions,
      value: ({ action }) => actionOptions.find(({ value }) => value === action)?.label ?? action,
      width: 6,
    },
    {
      id: 'actor',
      header: 'Changed by',
      type: 'person',
      cell: (change) => (
        <>
          <PersonName username={change.actor} />
          {change.request_id === null && (
            <Text size="xs" c="dimmed">
              directly in the database
            </Text>
          )}
        </>
      ),
      width: 8.5,
    },
    { id: 'at', header: 'Time', type: 'time', cell: (change) => <AbsoluteTime at={change.at} />, width: 12.5 },
    {
      id: 'after',
      header: 'Changes',
      type: 'text',
      isSortable: false,
      isFilterable: false,
      value: () => null,
      cell: (change) => <ChangedFields change={change} />,
      exportFields: ['before', 'after'],
    },
    {
      id: 'changeset_id',
      header: 'Change set',
      type: 'number',
      cell: ({ changeset_id }) => (
        <TextLink underline="always" to="/activity/$id" params={{ id: String(changeset_id) }}>
          {changeset_id}
        </TextLink>
      ),
      width: 6.5,
    },
    { id: 'message', header: 'Reason', type: 'text', isNullable: true, isHidden: true, width: 10 },
    { id: 'request_id', header: 'Request ID', type: 'text', isNullable: true, isHidden: true, width: 10 },
  ],
}

const sharedFields = new Set(['actor', 'at', 'changeset_id', 'message', 'request_id'])

/** changesetChangesList lists the changes of one change set, without the fields that are the same in all of them. */
export const changesetChangesList: ListDefinition<Change> = {
  ...adminChangesList,
  columns: adminChangesList.columns.filter(({ id }) => !sharedFields.has(id)),
}

/** changesList lists the changes of the tables that all users see. */
export const changesList: ListDefinition<Change> = {
  ...adminChangesList,
  columns: adminChangesList.columns.map((column) =>
    column.id === 'table_name' ? { ...column, options: historyTables.filter(({ admin }) => !admin) } : column,
  ),
}
