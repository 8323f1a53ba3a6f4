import Papa from 'papaparse'

import type { ImportTarget } from './importTargets'
import { countLineBreaks, MalformedCSV, readRecords } from './readRecords'
import type { ImportSource } from './readFile'
import { collectTexts, type Names, replaceName } from './names'

type Columns = readonly (string | undefined)[]

/** collectTextsOfFile returns the texts of reference fields in a file: none of a malformed file. */
export async function collectTextsOfFile(
  { file, delimiter }: ImportSource,
  target: ImportTarget,
  columns: Columns,
  signal: AbortSignal,
): Promise<Map<string, Set<string>>> {
  const texts = new Map<string, Set<string>>()
  if (!columns.some((field) => field && target.references[field])) return texts
  try {
    let isHeader = true
    for await (const batch of readRecords(file, { delimiter, isStrict: true })) {
      signal.throwIfAborted()
      for (const { cells } of isHeader ? batch.slice(1) : batch) collectTexts(target, columns, cells, texts)
      isHeader = false
    }
  } catch (error) {
    if (!(error instanceof MalformedCSV)) throw error
    return new Map() // the server reports the lines
  }
  return texts
}

/** replaceNamesInFile returns a copy of a file with IDs for names. Each row keeps its line. */
export async function replaceNamesInFile(
  { file, delimiter }: ImportSource,
  columns: Columns,
  names: Names,
  signal: AbortSignal,
): Promise<Blob> {
  const parts: string[] = []
  let line = 1
  for await (const batch of readRecords(file, { delimiter, isStrict: true })) {
    signal.throwIfAborted()
    for (const record of batch) {
      const isHeader = parts.length === 0
      const cells = isHeader ? record.cells : record.cells.map((text, i) => replaceName(names, columns[i], text))
      parts.push('\n'.repeat(record.line - line), Papa.unparse([cells], { delimiter }), '\n')
      line = record.line + 1 + countLineBreaks(record.cells)
    }
  }
  return new Blob(parts)
}
