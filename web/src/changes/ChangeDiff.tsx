import { type FormatField, formatPlainField } from '../components/formatValue'
import type { Change } from './api'
import classes from './ChangeList.module.css'
import { diffChange, type FieldDiff } from './diffChange'

interface Props {
  labels?: Record<string, string>
  formatField?: FormatField
}

/** ChangeDiff lists the fields of a change with their values before and after. */
export function ChangeDiff({ change, ...props }: Props & { change: Pick<Change, 'before' | 'after'> }) {
  return (
    <ul className={classes.fields}>
      {diffChange(change).map((diff) => (
        <li key={diff.field}>
          <FieldChange diff={diff} {...props} />
        </li>
      ))}
    </ul>
  )
}

/** FieldChange shows one field with its values before and after. */
export function FieldChange({
  diff: { field, before, after },
  labels = {},
  formatField = formatPlainField,
}: Props & { diff: FieldDiff }) {
  return (
    <>
      {labels[field] ?? field}: <del>{formatField(field, before)}</del> → <ins>{formatField(field, after)}</ins>
    </>
  )
}
