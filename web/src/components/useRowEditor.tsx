import { Button } from '@mantine/core'
import { type ReactNode, useEffect, useRef, useState } from 'react'

import { type Conflict, type EditOptions, useRowEdit } from '../api/useRowEdit'
import type { Problem } from '../api/problem'
import { useShortcut } from '../shell/shortcuts'
import { toast } from './toast'

interface Options<T> {
  row: T
  edit: EditOptions<T>
  may: boolean
  label?: string
  /** What is said once it is saved. */
  said?: string
}

interface Details<T> {
  /** What the form begins with, and what was wrong with the last try; undefined while one only reads. */
  editing: { base: T; start: T; problem: Problem | undefined } | undefined
  conflict: Conflict<T> | undefined
  save: (from: T, changes: Partial<T>) => void
  end: () => void
  /** The button with which one begins. */
  button: ReactNode
}

/** useDetails lets a row be read or edited. What is saved shows at once; if it is refused, the form is back with what one typed. */
export function useDetails<T extends { version: number }>({ row, edit: options, may, label = 'Edit', said = 'Saved' }: Options<T>): Details<T> {
  const [base, setBase] = useState<T>() // the row as it was when one began to edit
  const button = useRef<HTMLButtonElement>(null)
  const edit = useRowEdit<T>({
    ...options,
    saved: (next) => {
      options.saved?.(next)
      toast(said)
    },
  })
  const begin = () => {
    if (!edit.saving) setBase(row)
  }
  const end = () => {
    setBase(undefined)
    edit.drop()
  }
  const save = (from: T, changes: Partial<T>) => {
    end()
    if (Object.keys(changes).length > 0) edit.save(from, changes)
  }
  const { refused, conflict } = edit
  const from = refused?.base ?? base
  useShortcut('e', label, begin, may && !from)
  const edited = useRef(false)
  useEffect(() => {
    if (edited.current && !from) button.current?.focus() // where one came from
    edited.current = Boolean(from)
  }, [from])
  return {
    editing: from && { base: from, start: { ...from, ...refused?.changes }, problem: refused?.problem },
    conflict,
    save,
    end,
    button: may && !from && (
      <Button ref={button} variant="default" onClick={begin} aria-disabled={edit.saving}>
        {edit.saving ? 'Saving…' : label}
      </Button>
    ),
  }
}
