import { Button, Menu } from '@mantine/core'

import { type EditOptions, useRowEdit } from '../api/useRowEdit'
import { ConflictDialog } from '../components/ConflictDialog'
import { ProblemAlert } from '../components/form'
import { type FormatField, formatPlainField } from '../components/formatValue'
import { formatAbsoluteTime } from '../components/TimeAgo'
import { toast } from '../components/toast'
import type { RowChange } from './api'
import { ChangeList, type ChangeListProps } from './ChangeList'
import { listFieldRestores, restoreVersion } from './restoreFields'

interface Props<T> extends Omit<ChangeListProps, 'renderActions'> {
  row: T
  canEdit: boolean
  /** The labels of the fields that people edit: the ones that can be restored. */
  editLabels: Partial<Record<keyof T & string, string>>
  editOptions: EditOptions<T>
}

/** RestorableChangeList is the history of a row, whose former values and versions can be restored by an edit. */
export function RestorableChangeList<T extends { version: number }>({
  row,
  canEdit,
  editLabels,
  editOptions,
  formatField = formatPlainField,
  ...rest
}: Props<T>) {
  const { save, conflict, rejected, reset } = useRowEdit<T>({ ...editOptions, onSaved: () => toast('Restored') })
  return (
    <>
      {rejected && <ProblemAlert problem={rejected.problem} />}
      <ChangeList
        {...rest}
        formatField={formatField}
        renderActions={(change) =>
          canEdit && (
            <RestoreMenu
              change={change}
              row={row as Record<string, unknown>}
              labels={editLabels as Record<string, string>}
              formatField={formatField}
              onRestore={(edit) => save(row, edit as Partial<T>)}
            />
          )
        }
      />
      {conflict && (
        <ConflictDialog
          conflict={conflict}
          labels={editLabels as Partial<Record<keyof T, string>>}
          formatField={formatField}
          onSave={save}
          onCancel={reset}
        />
      )}
    </>
  )
}

interface MenuProps {
  change: RowChange
  row: Record<string, unknown>
  labels: Record<string, string>
  formatField: FormatField
  onRestore: (edit: Record<string, unknown>) => void
}

const maxValueLength = 60

/** RestoreMenu offers the former values of a change, and the row as it was after the change. */
function RestoreMenu({ change, row, labels, formatField, onRestore }: MenuProps) {
  const fields = Object.keys(labels)
  const values = listFieldRestores(change, row, fields)
  const version = restoreVersion(change, row, fields)
  const hasVersion = Object.keys(version).length > 0
  if (values.length === 0 && !hasVersion) return null
  return (
    <Menu position="bottom-end">
      <Menu.Target>
        <Button variant="subtle" aria-label={`Restore from ${formatAbsoluteTime(change.at)}`}>
          Restore
        </Button>
      </Menu.Target>
      <Menu.Dropdown>
        {values.length > 0 && <Menu.Label>Restore this value</Menu.Label>}
        {values.map(({ field, value, edit }) => (
          <Menu.Item key={field} onClick={() => onRestore(edit)}>
            {labels[field]}: {value === null ? 'empty' : shorten(formatField(field, value))}
          </Menu.Item>
        ))}
        {hasVersion && (
          <Menu.Item onClick={() => onRestore(version)}>Restore this version, after the change</Menu.Item>
        )}
      </Menu.Dropdown>
    </Menu>
  )
}

const shorten = (text: string) => (text.length > maxValueLength ? `${text.slice(0, maxValueLength)}…` : text)
