import { Text } from '@mantine/core'
import { useRouter } from '@tanstack/react-router'

import { type FormatField, formatValue } from '../components/formatValue'
import { TextLink } from '../components/links'
import { computerLabels } from '../computers/api'
import { useComputerNames } from '../computers/ComputerLink'
import { containerLabels, custodyLabels } from '../containers/api'
import { freezerLabels } from '../freezers/api'
import { useFreezerNames } from '../freezers/FreezerLink'
import { humanize, rowPath, tableNoun } from '../history/tables'
import { usePersonName } from '../people/PersonName'
import { ruleLabels } from '../rules/api'
import { siteLabels } from '../sites/api'
import { useSiteNames } from '../sites/SiteLink'
import { todoLabels } from '../todos/api'
import { userLabels } from '../users/api'
import type { Change } from './api'
import { ChangeDiff } from './ChangeDiff'
import { diffChange } from './diffChange'

/** describeChangedItem names the row of a change as it was called then: "freezer Minus80-B2". */
export function describeChangedItem({ table_name, row_key, before, after }: Change): string {
  const row = after ?? before ?? {}
  const name = [row.name, row.description, row.barcode, row.title, row.display_name, row.username].find((text) => typeof text === 'string' && text)
  return `${tableNoun(table_name)} ${name ?? row_key}`
}

/** ChangedItem names the row of a change, with a link to its screen, which can restore a deleted row. */
export function ChangedItem({ change }: { change: Change }) {
  const { table_name, row_key } = change
  const paths = Object.keys(useRouter().routesByPath)
  const name = describeChangedItem(change)
  const path = rowPath(table_name, row_key, paths)
  return path ? (
    <TextLink to={path as '/'} inherit>
      {name}
    </TextLink>
  ) : (
    name
  )
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

/** labelsOf returns the labels of the fields of a change, the same as in the forms. */
const labelsOf = (change: Change): Record<string, string> =>
  Object.fromEntries(
    diffChange(change).map(({ field }) => [field, fieldLabels[change.table_name]?.[field] ?? humanize(field)]),
  )

/** UpdatedFields lists the fields that a change of a row modified, with their values before and after. */
export function UpdatedFields({ change }: { change: Change }) {
  return <ChangeDiff change={change} labels={labelsOf(change)} formatField={useFormatField()} />
}

/** ChangedFields lists the fields of a change. Those of a created or deleted row open on demand. */
export function ChangedFields({ change }: { change: Change }) {
  const fieldCount = diffChange(change).length
  if (change.action === 'update') return <UpdatedFields change={change} />
  return (
    fieldCount > 0 && (
      <details>
        <Text component="summary" size="sm">
          {fieldCount === 1 ? '1 field' : `${fieldCount} fields`}
        </Text>
        <UpdatedFields change={change} />
      </details>
    )
  )
}
