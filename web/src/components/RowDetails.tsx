import { Card } from '@mantine/core'
import type { ReactNode } from 'react'

import type { Problem } from '../api/problem'
import type { EditOptions } from '../api/useRowEdit'
import { ConflictDialog } from './ConflictDialog'
import { DescriptionList } from './DescriptionList'
import { changedFields } from './form'
import { type FormatField, formatPlainField } from './formatValue'
import { Section } from './Section'
import { useRowEditor } from './useRowEditor'

/** What a form of a row's fields takes. */
export interface RowFormProps<F> {
  /** What stands in the fields at first. */
  initialValues: Partial<F>
  onSubmit: (fields: F) => void
  onCancel: () => void
  isSaving?: boolean
  /** What the server said to the last try. */
  problem: Problem | undefined
}

interface Props<T, F> {
  row: T
  canEdit: boolean
  /** What people call the fields, in the order in which they are shown. */
  labels: Partial<Record<keyof T & string, string>>
  editOptions: EditOptions<T>
  /** The fields, to edit. */
  renderForm: (props: RowFormProps<F>) => ReactNode
  /** Fields that are shown otherwise than as their text: as links, say. */
  fieldContent?: Partial<Record<keyof T & string, ReactNode>>
  /** What is shown instead of the fields one by one. */
  items?: [name: string, value: ReactNode][]
  formatField?: FormatField
}

/** RowDetails are a row's own fields, to read or to edit. */
export function RowDetails<T extends { version: number }, F extends Partial<T>>({ row, canEdit, labels, editOptions, renderForm, fieldContent = {}, items, formatField = formatPlainField }: Props<T, F>) {
  const { editing, conflict, save, stopEditing, editButton } = useRowEditor<T>({ row, editOptions: editOptions, canEdit })
  const fieldNames = Object.keys(labels) as (keyof T & string)[]
  return (
    <Section title="Details" id="details" actions={editButton}>
      <Card withBorder>
        {editing ? (
          renderForm({
            initialValues: editing.initialValues as unknown as Partial<F>,
            problem: editing.problem,
            onSubmit: (fields) => save(editing.base, changedFields<T>(editing.base, fields)),
            onCancel: stopEditing,
          })
        ) : (
          <DescriptionList items={items ?? fieldNames.map((name) => [labels[name] ?? '', fieldContent[name] ?? formatPlainField(name, row[name])])} />
        )}
      </Card>
      {conflict && <ConflictDialog conflict={conflict} labels={labels as Partial<Record<keyof T, string>>} formatField={formatField} onSave={save} onCancel={stopEditing} />}
    </Section>
  )
}
