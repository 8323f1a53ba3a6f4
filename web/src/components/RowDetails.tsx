import { Card } from '@mantine/core'
import type { ReactNode } from 'react'

import type { EditOptions } from '../api/useRowEdit'
import type { Problem } from '../api/problem'
import { ConflictDialog } from './ConflictDialog'
import { Facts } from './DescriptionList'
import { changed } from './form'
import { asShown, type Tell } from './formatValue'
import { Part } from './Section'
import { useDetails } from './useRowEditor'

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
  may: boolean
  /** What people call the fields, in the order in which they are shown. */
  labels: Partial<Record<keyof T & string, string>>
  options: EditOptions<T>
  /** The fields, to edit. */
  form: (props: FormProps<F>) => ReactNode
  /** Fields that are shown otherwise than as their text: as links, say. */
  cells?: Partial<Record<keyof T & string, ReactNode>>
  /** What is shown instead of the fields one by one. */
  facts?: [name: string, value: ReactNode][]
  tell?: Tell
}

/** RowDetails are a row's own fields, to read or to edit. */
export function RowDetails<T extends { version: number }, F extends Partial<T>>({ row, may, labels, options, form, cells = {}, facts, tell = asShown }: Props<T, F>) {
  const { editing, conflict, save, end, button } = useDetails<T>({ row, edit: options, may })
  const names = Object.keys(labels) as (keyof T & string)[]
  return (
    <Part title="Details" id="details" actions={button}>
      <Card withBorder>
        {editing ? (
          form({
            start: editing.start as unknown as Partial<F>,
            problem: editing.problem,
            submit: (fields) => save(editing.base, changed<T>(editing.base, fields)),
            cancel: end,
          })
        ) : (
          <Facts of={facts ?? names.map((name) => [labels[name] ?? '', cells[name] ?? asShown(name, row[name])])} />
        )}
      </Card>
      {conflict && <ConflictDialog conflict={conflict} labels={labels as Partial<Record<keyof T, string>>} tell={tell} keep={save} cancel={end} />}
    </Part>
  )
}
