import { Button } from '@mantine/core'
import { type ReactNode, useEffect, useRef, useState } from 'react'

import type { Problem } from '../api/problem'
import { type Conflict, type EditOptions, useRowEdit } from '../api/useRowEdit'
import { useShortcut } from '../shell/shortcuts'
import { toast } from './toast'

interface RowEditorOptions<T> {
  row: T
  editOptions: EditOptions<T>
  canEdit: boolean
  label?: string
  /** What is said once it is saved. */
  savedMessage?: string
}

interface RowEditor<T> {
  /** What the form begins with, and what was wrong with the last try; undefined while one only reads. */
  editing: { base: T; initialValues: T; problem: Problem | undefined } | undefined
  conflict: Conflict<T> | undefined
  save: (base: T, changes: Partial<T>) => void
  stopEditing: () => void
  /** The button with which one begins. */
  editButton: ReactNode
}

/** useRowEditor lets a row be read or edited. What is saved shows at once; if it is refused, the form is back with what one typed. */
export function useRowEditor<T extends { version: number }>({ row, editOptions: options, canEdit, label = 'Edit', savedMessage = 'Saved' }: RowEditorOptions<T>): RowEditor<T> {
  const [base, setBase] = useState<T>() // the row as it was when one began to edit
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
  useShortcut('e', label, startEditing, canEdit && !editBase)
  const wasEditing = useRef(false)
  useEffect(() => {
    if (wasEditing.current && !editBase) buttonRef.current?.focus() // where one came from
    wasEditing.current = Boolean(editBase)
  }, [editBase])
  return {
    editing: editBase && { base: editBase, initialValues: { ...editBase, ...rejected?.changes }, problem: rejected?.problem },
    conflict,
    save,
    stopEditing,
    editButton: canEdit && !editBase && (
      <Button ref={buttonRef} variant="default" onClick={startEditing} aria-disabled={rowEdit.isSaving}>
        {rowEdit.isSaving ? 'Saving…' : label}
      </Button>
    ),
  }
}
