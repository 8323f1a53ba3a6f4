import { NativeSelect, SimpleGrid, Text } from '@mantine/core'

import { Section } from '../components/Section'
import { describeColumns, type ImportTarget } from './importTargets'

interface Props {
  header: string[]
  target: ImportTarget
  /** The field of each column; undefined ignores the column. */
  columns: (string | undefined)[]
  onChange: (columns: (string | undefined)[]) => void
  disabled: boolean
}

/** ColumnMapping assigns fields to the columns of the file. A field has at most one column; the last choice wins. */
export function ColumnMapping({ header, target, columns, onChange, disabled }: Props) {
  const { hasKey, missing, missingRequired, clearable } = describeColumns(columns, target)
  const fieldLabels = (names: string[]) => names.map((name) => target.fields[name]).join(', ')
  const assignField = (columnIndex: number, field: string) =>
    onChange(
      columns.map((current, i) => (i === columnIndex ? field || undefined : current === field ? undefined : current)),
    )
  return (
    <Section title="Columns" id="columns">
      <SimpleGrid cols={{ base: 1, xs: 2, md: 4 }}>
        {header.map((name, i) => (
          <NativeSelect
            key={i}
            label={name || `Column ${i + 1}`}
            data={[
              { value: '', label: 'Ignore' },
              ...Object.entries(target.fields).map(([value, label]) => ({ value, label })),
            ]}
            value={columns[i] ?? ''}
            onChange={(event) => assignField(i, event.currentTarget.value)}
            disabled={disabled}
          />
        ))}
      </SimpleGrid>
      {missingRequired.length > 0 && (
        <Text mt="sm">
          {hasKey ? 'New rows need' : `Missing required ${missingRequired.length === 1 ? 'column' : 'columns'}`}
          : {fieldLabels(missingRequired)}.
        </Text>
      )}
      {hasKey && missing.length > 0 && (
        <Text mt="sm">Not in the file: {fieldLabels(missing)}. Existing rows keep these values.</Text>
      )}
      {hasKey && clearable.length > 0 && (
        <Text mt="sm">Empty cells clear the values of existing rows: {fieldLabels(clearable)}.</Text>
      )}
    </Section>
  )
}
