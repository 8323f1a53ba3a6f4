import type { ReactNode } from 'react'

import type { Problem } from '../api/problem'
import type { EditOptions } from '../api/useRowEdit'
import { ConflictDialog } from './ConflictDialog'
import { DescriptionList } from './DescriptionList'
import { changedFields } from './form'
import { type FormatField, formatPlainField } from './formatValue'
import { Panel } from './Panel'
import { useRowEditor } from './useRowEditor'

/** Props of a form that edits the fields of a row. */
export interface RowFormProps<F> {
  /** Initial values of the fields. */
  initialValues: Partial<F>
  onSubmit: (fields: F) => void
  onCancel: () => void
  isSaving?: boolean
  /** Error of the last attempt to save. */
  problem: Problem | undefined
}

interface Props<T, F> {
  row: T
  canEdit: boolean
  /** Labels of the fields, in display order. */
  labels: Partial<Record<keyof T & string, string>>
  /** The field that is the title of the screen, which is not repeated. */
  titleField?: keyof T & string
  editOptions: EditOptions<T>
  /** Renders the edit form. */
  renderForm: (props: RowFormProps<F>) => ReactNode
  /** Content of fields that are not shown as plain text, such as links. */
  fieldContent?: Partial<Record<keyof T & string, ReactNode>>
  /** Replaces the list of fields. */
  items?: [name: string, value: ReactNode][]
  /** Further properties, which are not edited here. */
  moreItems?: [name: string, value: ReactNode][]
  formatField?: FormatField
}

/** RowDetails shows the fields of a row, or a form that edits them. */
export function RowDetails<T extends { version: number }, F extends Partial<T>>({
  row,
  canEdit,
  labels,
  titleField,
  editOptions,
  renderForm,
  fieldContent = {},
  items,
  moreItems = [],
  formatField = formatPlainField,
}: Props<T, F>) {
  const { editing, conflict, save, stopEditing, editButton } = useRowEditor<T>({
    row,
    editOptions,
    canEdit,
  })
  const fieldNames = (Object.keys(labels) as (keyof T & string)[]).filter((name) => name !== titleField)
  const fieldItems = fieldNames.map((name): [string, ReactNode] => [
    labels[name] ?? '',
    fieldContent[name] ?? formatPlainField(name, row[name]),
  ])
  return (
    <Panel title="Details" id="details" actions={editButton}>
      {editing ? (
        renderForm({
          initialValues: editing.initialValues as unknown as Partial<F>,
          problem: editing.problem,
          onSubmit: (fields) => save(editing.base, changedFields<T>(editing.base, fields)),
          onCancel: stopEditing,
        })
      ) : (
        <DescriptionList items={[...(items ?? fieldItems), ...moreItems]} />
      )}
      {conflict && (
        <ConflictDialog
          conflict={conflict}
          labels={labels as Partial<Record<keyof T, string>>}
          formatField={formatField}
          onSave={save}
          onCancel={stopEditing}
        />
      )}
    </Panel>
  )
}
