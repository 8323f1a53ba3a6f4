import { Stack } from '@mantine/core'
import { useMemo, useState } from 'react'

import { useLeaveWarning } from '../components/form'
import { Section } from '../components/Section'
import { type CellError, mergeErrors } from '../editableGrid/cellErrors'
import type { EditableColumn } from '../editableGrid/columns'
import { EditableGrid } from '../editableGrid/EditableGrid'
import { matchHeader } from '../editableGrid/matchHeader'
import { locateServerErrors } from '../editableGrid/serverErrors'
import { createSheet, isBlank, replaceText, type SheetRow } from '../editableGrid/sheet'
import { ColumnMapping } from './ColumnMapping'
import { ImportActions } from './ImportActions'
import { ImportDone } from './ImportDone'
import { ImportOutcome } from './ImportOutcome'
import type { ImportTarget } from './importTargets'
import { NameChoices } from './NameChoices'
import type { ImportSource } from './readFile'
import { candidateTexts } from './candidates'
import { collectTexts, describeUnclearName, type Names, replaceName, unclearNames } from './names'
import { resolveNames } from './resolveNames'
import { toCsv } from './toCsv'
import { type PreparedImport, useImport } from './useImport'

interface Prepared extends PreparedImport {
  rows: readonly SheetRow[]
  names: Names
  findRow: (line: number) => SheetRow | undefined
}

const maxRows = 5000
const noErrors: CellError[] = []

/** SheetImport imports the rows of a file that can be corrected in a grid. */
export function SheetImport({ source, target }: { source: ImportSource; target: ImportTarget }) {
  const { header } = source
  const [columns, setColumns] = useState(() => matchHeader(header, target.fields))
  const [sheet, setSheet] = useState(() => createSheet(header.length, trimRows(source), maxRows))
  const { step, runCount, prepared, checked, imported, problem, isUncertain, check, importChecked, stop, reset } =
    useImport<Prepared>(target.name)
  const isCurrent = prepared?.rows === sheet.rows
  useLeaveWarning(sheet.past.length > 0 && !imported)

  const prepare = async (signal: AbortSignal): Promise<Prepared> => {
    const rows = sheet.rows.filter((row) => !isBlank(row))
    const texts = new Map<string, Set<string>>()
    for (const { cells } of rows) collectTexts(target, columns, cells, texts)
    const names = await resolveNames(target, texts, signal)
    const { text, findRow } = toCsv(header, rows, (cell, i) => replaceName(names, columns[i], cell))
    return {
      body: { content: new Blob([text]), columns },
      fingerprint: text,
      isInvalid: unclearNames(names).length > 0,
      rows: sheet.rows,
      names,
      findRow,
    }
  }
  const { errors, rest } = useMemo(() => {
    if (!prepared) return { errors: noErrors, rest: problem?.errors ?? [] }
    const located = locateServerErrors(problem?.errors ?? [], prepared.findRow, columns, target.fields)
    return { errors: mergeErrors(findNameErrors(target, prepared), located.cellErrors), rest: located.rest }
  }, [prepared, problem, columns, target])
  const openChoices = useMemo(
    () =>
      unclearNames(prepared?.names ?? new Map())
        .filter(({ candidates }) => candidates.length > 0)
        .filter(({ field, text }) => {
          const column = columns.indexOf(field)
          return sheet.rows.some(({ cells }) => (cells[column] ?? '').trim() === text)
        }),
    [prepared, columns, sheet.rows],
  )
  const gridColumns = useMemo(() => describeColumns(header, columns, target), [header, columns, target])

  if (imported) return <ImportDone target={target} columns={columns} result={imported} />
  return (
    <>
      <ColumnMapping
        header={header}
        target={target}
        columns={columns}
        onChange={(nextColumns) => {
          setColumns(nextColumns)
          reset()
        }}
        disabled={step !== undefined}
      />
      <Section title="Rows" id="rows">
        <EditableGrid label="Rows of the file" columns={gridColumns} sheet={sheet} onChange={setSheet} errors={errors}>
          <Stack gap="sm">
            <ImportOutcome
              target={target}
              columns={columns}
              runCount={runCount}
              checked={isCurrent ? checked : undefined}
              problem={problem && (errors.length === 0 || rest.length > 0) ? problem : undefined}
              isUncertain={isUncertain}
              errors={rest}
              hint={errors.length > 0 && isCurrent ? 'Nothing is imported yet. Correct the errors and check again.' : undefined}
            />
            <ImportActions
              step={step}
              isChecked={checked !== undefined && isCurrent}
              canCheck={columns.some(Boolean)}
              onCheck={() => check(prepare)}
              onImport={importChecked}
              onStop={stop}
            />
            <NameChoices
              target={target}
              names={openChoices}
              onChoose={({ field, text, candidates }, candidate) => {
                const column = columns.indexOf(field)
                const choice = candidateTexts(candidates)[candidates.indexOf(candidate)] ?? candidate.value
                setSheet((current) => replaceText(current, column, text, choice))
              }}
            />
          </Stack>
        </EditableGrid>
      </Section>
    </>
  )
}

/** trimRows removes the empty cells after the last named column, which spreadsheets add. */
const trimRows = ({ header, rows }: ImportSource): string[][] =>
  rows.map(({ cells }) => cells.slice(0, Math.max(header.length, cells.findLastIndex((cell) => cell !== '') + 1)))

/** findNameErrors returns the errors of cells whose texts name no row, or several rows. */
function findNameErrors(target: ImportTarget, { rows, body: { columns }, names }: Prepared): CellError[] {
  const messages = new Map(
    unclearNames(names).map((name) => [`${name.field} ${name.text}`, describeUnclearName(target, name)]),
  )
  if (messages.size === 0) return noErrors
  return rows.flatMap((row) =>
    columns.flatMap((field, column) => {
      const message = messages.get(`${field} ${(row.cells[column] ?? '').trim()}`)
      return message ? [{ row, column, message }] : []
    }),
  )
}

/** describeColumns returns the columns of the grid, with the labels of their fields. */
const describeColumns = (
  header: readonly string[],
  columns: readonly (string | undefined)[],
  { fields }: ImportTarget,
): EditableColumn[] =>
  header.map((name, i) => {
    const field = columns[i]
    const column = name || `Column ${i + 1}`
    const label = field && fields[field]
    return {
      id: `column ${i + 1}`,
      header: label ?? column,
      ...(label ? label !== column && { detail: column } : { detail: 'Ignored', isIgnored: true, width: 8 }),
      ...(field === 'uuid' && { isCode: true, acceptsScan: true, width: 19.5 }),
    }
  })
