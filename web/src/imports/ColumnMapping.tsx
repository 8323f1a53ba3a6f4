import { NativeSelect, SimpleGrid, Text } from '@mantine/core'

import { Part } from '../components/Section'
import { type Kind, missing } from './importTargets'

interface Props {
  header: string[]
  kind: Kind
  /** The field of each column; undefined leaves it out. */
  columns: (string | undefined)[]
  change: (columns: (string | undefined)[]) => void
  disabled: boolean
}

/** Columns says which field each column of the file is. No field is two columns: the last choice counts. */
export function Columns({ header, kind, columns, change, disabled }: Props) {
  const { needed, blank } = missing(columns, kind)
  const labels = (names: string[]) => names.map((name) => kind.fields[name]).join(', ')
  const choose = (at: number, field: string) => change(columns.map((known, i) => (i === at ? field || undefined : known === field ? undefined : known)))
  return (
    <Part title="Columns" id="columns">
      <SimpleGrid cols={{ base: 1, xs: 2, md: 4 }}>
        {header.map((name, i) => (
          <NativeSelect
            key={i}
            label={name || `Column ${i + 1}`}
            data={[{ value: '', label: 'Leave out' }, ...Object.entries(kind.fields).map(([value, label]) => ({ value, label }))]}
            value={columns[i] ?? ''}
            onChange={(event) => choose(i, event.currentTarget.value)}
            disabled={disabled}
          />
        ))}
      </SimpleGrid>
      {needed.length > 0 && <Text mt="sm">Needed, but no column is it: {labels(needed)}.</Text>}
      {blank.length > 0 && (
        <Text mt="sm" size="sm" c="dimmed">
          No column is it, so it will be empty, also in rows that are there already: {labels(blank)}.
        </Text>
      )}
    </Part>
  )
}
