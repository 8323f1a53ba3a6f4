import { Button, Text } from '@mantine/core'

import type { FieldError } from '../api/problem'
import { type Column, RowTable } from '../components/DataTable'
import { Part } from '../components/Section'
import { faultsCSV, shownAtMost } from './errorReport'
import type { Kind } from './importTargets'

interface Props {
  errors: FieldError[]
  kind: Kind
  /** Of the file. */
  name: string
}

type Fault = FieldError & { at: number }

/** Faults lists everything that the server found wrong, line by line, to read or to download. */
export function Faults({ errors, kind, name }: Props) {
  const columns: Column<Fault>[] = [
    { id: 'line', header: 'Line', value: ({ line }) => line || null },
    { id: 'field', header: 'Field', value: ({ field }) => (field === 'line' ? 'The whole line' : (kind.fields[field] ?? field)) },
    { id: 'message', header: 'What is wrong', value: ({ message }) => message },
  ]
  return (
    <Part
      title={errors.length === 1 ? 'One thing to mend' : `${errors.length} things to mend`}
      id="faults"
      actions={
        <Button variant="default" onClick={() => download(faultsCSV(errors), `${name.replace(/\.\w+$/, '')}-to-mend.csv`)}>
          Download the list
        </Button>
      }
    >
      {errors.length > shownAtMost && <Text size="sm">The first {shownAtMost} are shown; the list has all of them.</Text>}
      <RowTable label="Things to mend" columns={columns} rows={errors.slice(0, shownAtMost).map((error, at) => ({ ...error, at }))} rowKey={({ at }) => at} />
    </Part>
  )
}

function download(content: Blob, name: string) {
  const link = document.createElement('a')
  link.href = URL.createObjectURL(content)
  link.download = name
  link.click()
  setTimeout(() => URL.revokeObjectURL(link.href), 60_000)
}
