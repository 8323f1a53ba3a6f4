import { Text } from '@mantine/core'
import { useMemo } from 'react'

import { type Column, RowTable } from '../components/RowTable'
import type { ImportTarget } from './importTargets'
import type { ImportSource } from './readFile'
import type { CSVRecord } from './readRecords'

interface Props {
  source: ImportSource
  columns: (string | undefined)[]
  target: ImportTarget
  /** Rows with errors from anywhere in the file. */
  badRows: CSVRecord[]
  errorsByLine: Map<number, Map<string, string>>
}

/** Preview shows rows of the file and the errors at their cells. */
export function Preview({ source, columns, target, badRows, errorsByLine }: Props) {
  const rows = useMemo(() => {
    const rowsByLine = new Map([...badRows, ...source.rows].map((row) => [row.line, row]))
    return [...rowsByLine.values()].sort(
      (a, b) => Number(errorsByLine.has(b.line)) - Number(errorsByLine.has(a.line)) || a.line - b.line,
    )
  }, [source, badRows, errorsByLine])
  const previewColumns = useMemo((): Column<CSVRecord>[] => {
    const rowErrors = (line: number) =>
      [...(errorsByLine.get(line) ?? [])]
        .filter(([field]) => !columns.includes(field))
        .map(([field, message]) => `${field === 'line' ? 'Line' : (target.fields[field] ?? field)} ${message}`)
    return [
      {
        id: 'line',
        header: 'Line',
        value: ({ line }) => line,
        cell: ({ line }) => (
          <>
            {line}
            {rowErrors(line).map((message) => (
              <CellError key={message}>{message}</CellError>
            ))}
          </>
        ),
      },
      ...source.header.map((name, index): Column<CSVRecord> => {
        const field = columns[index]
        return {
          id: `column ${index}`,
          header: name || `Column ${index + 1}`,
          value: ({ cells }) => cells[index] ?? null,
          cell: ({ line, cells }) => {
            const message = field && errorsByLine.get(line)?.get(field)
            return (
              <>
                {cells[index]}
                {message && <CellError>{message}</CellError>}
              </>
            )
          },
        }
      }),
    ]
  }, [source, columns, target, errorsByLine])
  return (
    <RowTable
      label="Rows of the file"
      columns={previewColumns}
      rows={rows}
      rowKey={({ line }) => line}
      isWrapped
    />
  )
}

function CellError({ children }: { children: string }) {
  return (
    <Text size="sm" c="var(--mantine-color-error)" component="div" data-cell-error>
      {children}
    </Text>
  )
}
