import { Text } from '@mantine/core'
import { useRouter } from '@tanstack/react-router'

import type { Change } from '../changes/api'
import { ChangeDiff } from '../changes/ChangeList'
import { diffChange } from '../changes/diffChange'
import { TextLink } from '../components/links'
import { AbsoluteTime } from '../components/TimeAgo'
import { computerLabels } from '../computers/api'
import { containerLabels } from '../containers/api'
import { freezerLabels } from '../freezers/api'
import type { ListDefinition } from '../grid/types'
import { describeRow, historyTables, humanize, rowPath } from '../history/tables'
import { ruleLabels } from '../rules/api'
import { siteLabels } from '../sites/api'
import { todoLabels } from '../todos/api'
import { userLabels } from '../users/api'

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
      value: (change) => describeRow(change.table_name, change.row_key),
      cell: (change) => <ChangedItem change={change} />,
      width: 11,
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
      type: 'text',
      cell: (change) => (
        <>
          {change.actor}
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
      id: 'request_id',
      header: 'Request ID',
      type: 'text',
      isNullable: true,
      cell: ({ request_id }) =>
        request_id && (
          <TextLink underline="always" to="/history" search={{ request_id }} title={request_id}>
            {request_id.slice(0, 8)}…
          </TextLink>
        ),
      width: 7,
    },
  ],
}

/** changesList lists the changes of the tables that all users see. */
export const changesList: ListDefinition<Change> = {
  ...adminChangesList,
  columns: adminChangesList.columns.map((column) =>
    column.id === 'table_name' ? { ...column, options: historyTables.filter(({ admin }) => !admin) } : column,
  ),
}

function ChangedItem({ change: { table_name, row_key, action } }: { change: Change }) {
  const paths = Object.keys(useRouter().routesByPath)
  const name = describeRow(table_name, row_key)
  const path = action === 'delete' ? undefined : rowPath(table_name, row_key, paths)
  return path ? <TextLink to={path as '/'}>{name}</TextLink> : name
}

/** fieldLabels are the labels of the fields by table, the same as in the forms. */
const fieldLabels: Record<string, Record<string, string>> = {
  site: siteLabels,
  freezer: freezerLabels,
  computer: computerLabels,
  container: { ...containerLabels, uuid: 'Barcode' },
  rule: ruleLabels,
  todo: todoLabels,
  account: userLabels,
}

function ChangedFields({ change }: { change: Change }) {
  const changedFields = diffChange(change)
  const tableLabels = fieldLabels[change.table_name]
  const labels = Object.fromEntries(changedFields.map(({ field }) => [field, tableLabels?.[field] ?? humanize(field)]))
  if (change.action === 'update') return <ChangeDiff change={change} labels={labels} />
  return (
    changedFields.length > 0 && (
      <details>
        <Text component="summary" size="sm">
          {changedFields.length === 1 ? '1 field' : `${changedFields.length} fields`}
        </Text>
        <ChangeDiff change={change} labels={labels} />
      </details>
    )
  )
}
