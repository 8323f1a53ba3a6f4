import { Button } from '@mantine/core'
import { type ReactNode, useEffect, useRef, useState } from 'react'

import type { Problem } from '../api/problem'
import { type Conflict, type EditOptions, useRowEdit } from '../api/useRowEdit'
import { useObjectActions } from '../search/useObjectActions'
import { useShortcut } from '../shell/shortcuts'
import { Icon } from './icons'
import { toast } from './toast'

interface RowEditorOptions<T> {
  row: T
  editOptions: EditOptions<T>
  canEdit: boolean
  label?: string
  /** Toast after saving. */
  savedMessage?: string
}

interface RowEditor<T> {
  /** State of the edit form; undefined while the row is only displayed. */
  editing: { base: T; initialValues: T; problem: Problem | undefined } | undefined
  conflict: Conflict<T> | undefined
  save: (base: T, changes: Partial<T>) => void
  stopEditing: () => void
  /** The button that starts editing. */
  editButton: ReactNode
}

/**
 * useRowEditor switches a row between display and editing. Saving is optimistic: if the server rejects it, the form
 * reopens with the entered values.
 */
export function useRowEditor<T extends { version: number }>({
  row,
  editOptions: options,
  canEdit,
  label = 'Edit',
  savedMessage = 'Saved',
}: RowEditorOptions<T>): RowEditor<T> {
  const [base, setBase] = useState<T>() // the row when editing started
  const buttonRef = useRef<HTMLButtonElement>(null)
  const rowEdit = useRowEdit<T>({
    ...options,
    onSaved: (savedRow) => {
      options.onSaved?.(savedRow)
      toast(savedMessage)
    },
  })
  const startEditing = () => {
    if (!rowEdit.isSaving) setBase(row)
  }
  const stopEditing = () => {
    setBase(undefined)
    rowEdit.reset()
  }
  const save = (editBase: T, changes: Partial<T>) => {
    stopEditing()
    if (Object.keys(changes).length > 0) rowEdit.save(editBase, changes)
  }
  const { rejected, conflict } = rowEdit
  const editBase = rejected?.base ?? base
  const canStart = canEdit && !editBase
  useShortcut('u', label, startEditing, canStart)
  useObjectActions(canStart ? [{ label, icon: 'edit', run: startEditing }] : [])
  const wasEditing = useRef(false)
  useEffect(() => {
    if (wasEditing.current && !editBase) buttonRef.current?.focus()
    wasEditing.current = Boolean(editBase)
  }, [editBase])
  return {
    editing: editBase && {
      base: editBase,
      initialValues: { ...editBase, ...rejected?.changes },
      problem: rejected?.problem,
    },
    conflict,
    save,
    stopEditing,
    editButton: canStart && (
      <Button
        ref={buttonRef}
        variant="subtle"
        size="compact-sm"
        mr={-8}
        leftSection={<Icon name="edit" size={14} />}
        onClick={startEditing}
        aria-disabled={rowEdit.isSaving}
      >
        {rowEdit.isSaving ? 'Saving…' : label}
      </Button>
    ),
  }
}
