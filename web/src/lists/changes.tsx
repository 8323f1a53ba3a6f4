import { Text } from '@mantine/core'
import { useRouter } from '@tanstack/react-router'

import type { Change } from '../changes/api'
import { ChangeDiff } from '../changes/ChangeDiff'
import { diffChange } from '../changes/diffChange'
import { type FormatField, formatValue } from '../components/formatValue'
import { TextLink } from '../components/links'
import { AbsoluteTime } from '../components/TimeAgo'
import { computerLabels } from '../computers/api'
import { useComputerNames } from '../computers/ComputerLink'
import { containerLabels, custodyLabels } from '../containers/api'
import { freezerLabels } from '../freezers/api'
import { useFreezerNames } from '../freezers/FreezerLink'
import type { ListDefinition } from '../grid/types'
import { historyTables, humanize, rowPath, tableNoun } from '../history/tables'
import { PersonName, usePersonName } from '../people/PersonName'
import { ruleLabels } from '../rules/api'
import { siteLabels } from '../sites/api'
import { useSiteNames } from '../sites/SiteLink'
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
      id: 'request_id',
      header: 'Request ID',
      type: 'text',
      isNullable: true,
      cell: ({ request_id }) =>
        request_id && (
          <TextLink underline="always" to="/activity" search={{ request_id }} title={request_id}>
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

/** describeChangedItem names the row of a change as it was called then: "freezer Minus80-B2". */
function describeChangedItem({ table_name, row_key, before, after }: Change): string {
  const row = after ?? before ?? {}
  const name = [row.name, row.description, row.barcode, row.title, row.display_name, row.username].find((text) => typeof text === 'string' && text)
  return `${tableNoun(table_name)} ${name ?? row_key}`
}

function ChangedItem({ change }: { change: Change }) {
  const { table_name, row_key, action } = change
  const paths = Object.keys(useRouter().routesByPath)
  const name = describeChangedItem(change)
  const path = action === 'delete' ? undefined : rowPath(table_name, row_key, paths)
  return path ? <TextLink to={path as '/'}>{name}</TextLink> : name
}

/** fieldLabels are the labels of the fields by table, the same as in the forms. */
const fieldLabels: Record<string, Record<string, string>> = {
  site: siteLabels,
  freezer: freezerLabels,
  computer: computerLabels,
  container: { ...containerLabels, ...custodyLabels, uuid: 'UUID' },
  rule: ruleLabels,
  todo: todoLabels,
  account: userLabels,
}

const personFields = new Set(['assignee', 'owner', 'holder'])

/** useFormatField returns a function that shows IDs and usernames in changes as names. */
function useFormatField(): FormatField {
  const siteName = useSiteNames()
  const freezerName = useFreezerNames()
  const computerName = useComputerNames()
  const personName = usePersonName()
  return (field, value) => {
    if (field === 'site_id' && typeof value === 'number') return siteName(value)
    if (field === 'freezer_id' && typeof value === 'number') return freezerName(value)
    if (field === 'computer_id' && typeof value === 'number') return computerName(value)
    if (personFields.has(field) && typeof value === 'string') return personName(value)
    return formatValue(value)
  }
}

function ChangedFields({ change }: { change: Change }) {
  const formatField = useFormatField()
  const changedFields = diffChange(change)
  const tableLabels = fieldLabels[change.table_name]
  const labels = Object.fromEntries(changedFields.map(({ field }) => [field, tableLabels?.[field] ?? humanize(field)]))
  if (change.action === 'update') return <ChangeDiff change={change} labels={labels} formatField={formatField} />
  return (
    changedFields.length > 0 && (
      <details>
        <Text component="summary" size="sm">
          {changedFields.length === 1 ? '1 field' : `${changedFields.length} fields`}
        </Text>
        <ChangeDiff change={change} labels={labels} formatField={formatField} />
      </details>
    )
  )
}
