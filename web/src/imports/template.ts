import Papa from 'papaparse'

import { type ImportTarget, keyFields } from './importTargets'

/** createTemplate returns a CSV file with the columns of a target and an example row. */
export function createTemplate({ fields, example }: ImportTarget): Blob {
  const names = Object.keys(fields).filter((name) => name in example || !keyFields.includes(name))
  const rows = [names.map((name) => fields[name]), names.map((name) => example[name] ?? '')]
  // Spreadsheets recognize UTF-8 by the byte order mark.
  return new Blob(['\ufeff', Papa.unparse(rows as string[][]), '\r\n'], { type: 'text/csv' })
}
