import { Text } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import { useMemo, useState } from 'react'

import { Section } from '../components/Section'
import { matchHeader } from '../editableGrid/matchHeader'
import { ColumnMapping } from './ColumnMapping'
import { groupErrorsByLine, sortByLine } from './errorReport'
import { ImportActions } from './ImportActions'
import { ImportDone } from './ImportDone'
import { ImportErrors } from './ImportErrors'
import { ImportOutcome } from './ImportOutcome'
import type { ImportTarget } from './importTargets'
import { NameChoices } from './NameChoices'
import { Preview } from './Preview'
import { type ImportSource, readRows } from './readFile'
import type { Candidate } from './candidates'
import { collectTextsOfFile, replaceNamesInFile } from './replaceNamesInFile'
import { describeUnclearName, type Names, unclearNames } from './names'
import { resolveNames } from './resolveNames'
import { type PreparedImport, useImport } from './useImport'

interface Prepared extends PreparedImport {
  names: Names
}

interface Choice {
  field: string
  text: string
  candidate: Candidate
}

/** FileImport imports a file that is too long or too malformed for a grid. It shows some of its rows. */
export function FileImport({ source, target }: { source: ImportSource; target: ImportTarget }) {
  const [columns, setColumns] = useState(() => matchHeader(source.header, target.fields))
  const [choices, setChoices] = useState<Choice[]>([])
  const { step, runCount, prepared, checked, imported, problem, isUncertain, check, importChecked, stop, reset } =
    useImport<Prepared>(target.name)
  const prepare = async (signal: AbortSignal): Promise<Prepared> => {
    const names = await resolveNames(target, await collectTextsOfFile(source, target, columns, signal), signal)
    for (const { field, text, candidate } of choices) names.get(field)?.set(text, [candidate])
    const hasNames = [...names.values()].some(({ size }) => size > 0)
    const { name, size, lastModified } = source.file
    return {
      body: { content: hasNames ? await replaceNamesInFile(source, columns, names, signal) : source.file, columns },
      fingerprint: JSON.stringify([name, size, lastModified, choices]),
      isInvalid: unclearNames(names).length > 0,
      names,
    }
  }
  const errors = useMemo(() => sortByLine(problem?.errors ?? []), [problem])
  const errorsByLine = useMemo(() => groupErrorsByLine(errors), [errors])
  const { data: badRows = [] } = useQuery({
    queryKey: ['imports', 'bad rows', source.file.name, problem],
    queryFn: () => readRows(source, new Set(errorsByLine.keys())),
    enabled: errors.length > 0,
    gcTime: 0,
  })
  const unclear = useMemo(
    () =>
      unclearNames(prepared?.names ?? new Map()).filter(
        ({ field, text }) => !choices.some((choice) => choice.field === field && choice.text === text),
      ),
    [prepared, choices],
  )
  const unknown = unclear.filter(({ candidates }) => candidates.length === 0)

  if (imported) return <ImportDone target={target} columns={columns} result={imported} />
  return (
    <>
      <ColumnMapping
        header={source.header}
        target={target}
        columns={columns}
        onChange={(nextColumns) => {
          setColumns(nextColumns)
          reset()
        }}
        disabled={step !== undefined}
      />
      <ImportOutcome
        target={target}
        columns={columns}
        runCount={runCount}
        checked={checked}
        problem={problem}
        isUncertain={isUncertain}
      />
      <ImportActions
        step={step}
        isChecked={checked !== undefined}
        canCheck={columns.some(Boolean)}
        onCheck={() => check(prepare)}
        onImport={importChecked}
        onStop={stop}
      />
      <NameChoices
        target={target}
        names={unclear.filter(({ candidates }) => candidates.length > 0)}
        onChoose={({ field, text }, candidate) => setChoices((current) => [...current, { field, text, candidate }])}
      />
      {unknown.slice(0, maxShownNames).map((name) => (
        <Text key={`${name.field} ${name.text}`} size="sm" c="var(--critical)">
          {describeUnclearName(target, name)}
        </Text>
      ))}
      {errors.length > 0 && <ImportErrors errors={errors} target={target} fileName={source.file.name} />}
      <Section title={errors.length > 0 ? 'Rows with errors, then first rows' : 'First rows'} id="preview">
        <Preview source={source} columns={columns} target={target} badRows={badRows} errorsByLine={errorsByLine} />
      </Section>
    </>
  )
}

const maxShownNames = 20
