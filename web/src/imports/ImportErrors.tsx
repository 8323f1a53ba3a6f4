import { Button, Text } from '@mantine/core'

import type { FieldError } from '../api/problem'
import { type Column, RowTable } from '../components/DataTable'
import { Section } from '../components/Section'
import { errorsToCsv, maxShownErrors } from './errorReport'
import type { ImportTarget } from './importTargets'

interface Props {
  errors: FieldError[]
  target: ImportTarget
  /** Of the file. */
  fileName: string
}

type ErrorRow = FieldError & { index: number }

/** ImportErrors lists everything that the server found wrong, line by line, to read or to download. */
export function ImportErrors({ errors, target, fileName }: Props) {
  const columns: Column<ErrorRow>[] = [
    { id: 'line', header: 'Line', value: ({ line }) => line || null },
    { id: 'field', header: 'Field', value: ({ field }) => (field === 'line' ? 'The whole line' : (target.fields[field] ?? field)) },
    { id: 'message', header: 'What is wrong', value: ({ message }) => message },
  ]
  return (
    <Section
      title={errors.length === 1 ? 'One thing to mend' : `${errors.length} things to mend`}
      id="import-errors"
      actions={
        <Button variant="default" onClick={() => download(errorsToCsv(errors), `${fileName.replace(/\.\w+$/, '')}-to-mend.csv`)}>
          Download the list
        </Button>
      }
    >
      {errors.length > maxShownErrors && <Text size="sm">The first {maxShownErrors} are shown; the list has all of them.</Text>}
      <RowTable label="Things to mend" columns={columns} rows={errors.slice(0, maxShownErrors).map((error, index) => ({ ...error, index }))} rowKey={({ index }) => index} />
    </Section>
  )
}

function download(content: Blob, name: string) {
  const link = document.createElement('a')
  link.href = URL.createObjectURL(content)
  link.download = name
  link.click()
  setTimeout(() => URL.revokeObjectURL(link.href), 60_000)
}
