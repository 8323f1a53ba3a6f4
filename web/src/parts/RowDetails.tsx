import { Button, Card, SimpleGrid, Text } from '@mantine/core'
import { type ReactNode, useEffect, useRef, useState } from 'react'

import { type EditOptions, useRowEdit } from '../api/edit'
import type { Problem } from '../api/problem'
import { useMay } from '../session/api'
import { useShortcut } from '../shell/shortcuts'
import { ConflictDialog } from './ConflictDialog'
import { changed } from './form'
import { asShown, shown, type Tell } from './shown'
import { Part } from './states'
import { toast } from './toast'

/** What a form of a row's fields takes. */
export interface FormProps<F> {
  /** What stands in the fields at first. */
  start: Partial<F>
  submit: (fields: F) => void
  cancel: () => void
  saving?: boolean
  /** What the server said to the last try. */
  problem: Problem | undefined
}

interface Props<T, F> {
  row: T
  /** What people call the fields, in the order in which they are shown. */
  labels: Partial<Record<keyof T & string, string>>
  options: EditOptions<T>
  /** The fields, to edit. */
  form: (props: FormProps<F>) => ReactNode
  /** Fields that are shown otherwise than as their text: as links, say. */
  cells?: Partial<Record<keyof T & string, ReactNode>>
  tell?: Tell
}

/** RowDetails are a row's own fields, to read or to edit. What is saved shows at once; if it is refused, the form is back with what one typed. */
export function RowDetails<T extends { version: number }, F extends Partial<T>>({ row, labels, options, form, cells = {}, tell = asShown }: Props<T, F>) {
  const may = useMay('operator')
  const [base, setBase] = useState<T>() // the row as it was when one began to edit
  const button = useRef<HTMLButtonElement>(null)
  const edit = useRowEdit<T>({
    ...options,
    saved: (next) => {
      options.saved?.(next)
      toast('Saved')
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
  useShortcut('e', 'Edit', begin, may && !base)
  const { refused, conflict } = edit
  const editing = refused?.base ?? base
  const edited = useRef(false)
  useEffect(() => {
    if (edited.current && !editing) button.current?.focus() // where one came from
    edited.current = Boolean(editing)
  }, [editing])
  return (
    <Part
      title="Details"
      id="details"
      actions={
        may &&
        !editing && (
          <Button ref={button} variant="default" onClick={begin} aria-disabled={edit.saving}>
            {edit.saving ? 'Saving…' : 'Edit'}
          </Button>
        )
      }
    >
      <Card withBorder>
        {editing ? (
          form({
            start: { ...editing, ...refused?.changes } as unknown as Partial<F>,
            problem: refused?.problem,
            submit: (fields) => save(editing, changed<T>(editing, fields)),
            cancel: end,
          })
        ) : (
          <SimpleGrid component="dl" cols={{ base: 1, sm: 2 }} m={0}>
            {(Object.keys(labels) as (keyof T & string)[]).map((name) => (
              <div key={name}>
                <Text component="dt" size="sm" c="dimmed">
                  {labels[name]}
                </Text>
                <Text component="dd" m={0} style={{ overflowWrap: 'anywhere' }}>
                  {cells[name] ?? shown(row[name])}
                </Text>
              </div>
            ))}
          </SimpleGrid>
        )}
      </Card>
      {conflict && <ConflictDialog conflict={conflict} labels={labels as Partial<Record<keyof T, string>>} tell={tell} keep={save} cancel={end} />}
    </Part>
  )
}
