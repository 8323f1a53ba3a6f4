import { Button, Text } from '@mantine/core'

import type { FieldError } from '../api/problem'
import { type Column, RowTable } from '../components/RowTable'
import { Section } from '../components/Section'
import { download } from './download'
import { errorsToCsv, maxShownErrors } from './errorReport'
import type { ImportTarget } from './importTargets'

interface Props {
  errors: FieldError[]
  target: ImportTarget
  /** Name of the imported file. */
  fileName: string
}

type ErrorRow = FieldError & { index: number }

/** ImportErrors lists the errors that the server reported, by line, with a download of the full list. */
export function ImportErrors({ errors, target, fileName }: Props) {
  const columns: Column<ErrorRow>[] = [
    { id: 'line', header: 'Line', value: ({ line }) => line || null },
    {
      id: 'field',
      header: 'Field',
      value: ({ field }) => (field === 'line' ? 'Entire line' : (target.fields[field] ?? field)),
    },
    { id: 'message', header: 'Message', value: ({ message }) => message },
  ]
  return (
    <Section
      title={errors.length === 1 ? '1 error' : `${errors.length} errors`}
      id="import-errors"
      actions={
        <Button
          variant="default"
          onClick={() => download(errorsToCsv(errors), `${fileName.replace(/\.\w+$/, '')}-errors.csv`)}
        >
          Download errors
        </Button>
      }
    >
      {errors.length > maxShownErrors && (
        <Text size="sm">Showing the first {maxShownErrors} errors. Download the errors to see all of them.</Text>
      )}
      <RowTable
        label="Errors"
        isWrapped
        columns={columns}
        rows={errors.slice(0, maxShownErrors).map((error, index) => ({ ...error, index }))}
        rowKey={({ index }) => index}
      />
    </Section>
  )
}
