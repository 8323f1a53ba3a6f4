import { Text } from '@mantine/core'
import { useMemo } from 'react'

import { type Column, RowTable } from '../components/DataTable'
import type { Row, Source } from './api'
import type { Kind } from './importTargets'

interface Props {
  source: Source
  columns: (string | undefined)[]
  kind: Kind
  /** Rows with faults, wherever in the file they stand. */
  badRows: Row[]
  faults: Map<number, Map<string, string>>
}

/** Preview shows rows of the file as they stand there, each bad cell with what is wrong with it. */
export function Preview({ source, columns, kind, badRows, faults }: Props) {
  const rows = useMemo(() => {
    const known = new Map([...badRows, ...source.rows].map((row) => [row.line, row]))
    return [...known.values()].sort((a, b) => Number(faults.has(b.line)) - Number(faults.has(a.line)) || a.line - b.line)
  }, [source, badRows, faults])
  const shown = useMemo((): Column<Row>[] => {
    const ofRow = (line: number) => [...(faults.get(line) ?? [])].filter(([field]) => !columns.includes(field)).map(([field, message]) => `${field === 'line' ? 'It' : (kind.fields[field] ?? field)} ${message}`)
    return [
      {
        id: 'line',
        header: 'Line',
        value: ({ line }) => line,
        cell: ({ line }) => (
          <>
            {line}
            {ofRow(line).map((message) => (
              <Fault key={message}>{message}</Fault>
            ))}
          </>
        ),
      },
      ...source.header.map((name, i): Column<Row> => {
        const field = columns[i]
        return {
          id: `column ${i}`,
          header: name || `Column ${i + 1}`,
          value: ({ cells }) => cells[i] ?? null,
          cell: ({ line, cells }) => {
            const message = field && faults.get(line)?.get(field)
            return (
              <>
                {cells[i]}
                {message && <Fault>{message}</Fault>}
              </>
            )
          },
        }
      }),
    ]
  }, [source, columns, kind, faults])
  return <RowTable label="Rows of the file" columns={shown} rows={rows} rowKey={({ line }) => line} sortable={false} />
}

function Fault({ children }: { children: string }) {
  return (
    <Text size="sm" c="var(--mantine-color-error)" component="div" data-fault>
      {children}
    </Text>
  )
}
